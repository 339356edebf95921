"""A deployment that is killed, at any moment, while callers call."""

from __future__ import annotations

import json
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest
from e2e_caller import Caller
from e2e_command import shared_cache
from e2e_shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

KILLS = 10


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"), shared_cache(tmp_path_factory))
    yield shop
    shop.wideload("local", "down")


def versions(told: set[str]) -> set[object]:
    """The versions that callers were told, and what they were told in their place."""
    found: set[object] = set()
    for one in told:
        try:
            found.add(json.loads(one)["version"])
        except (ValueError, KeyError, TypeError):
            found.add(one)
    return found


@pytest.mark.parametrize("strategy", ["direct-zip", "s3-zip"])
def test_callers_get_the_old_or_the_new_version_and_never_an_error(
    shop: Shop, strategy: str
) -> None:
    busy = f"busy-{strategy}"
    shop.function(busy, f'strategy = "{strategy}"')
    shop.wideload("deploy", busy)
    shop.edit(busy, 2)
    started = time.monotonic()
    shop.wideload("deploy", busy)
    lasts = time.monotonic() - started
    rounds = KILLS // 2
    # All through its life, the second half more closely: the first is spent on reading.
    moments = [lasts * (0.3 + 0.7 * (each + random.random()) / rounds) for each in range(rounds)]
    serving = shop.told(busy)
    killed = 0
    with Caller(shop, busy) as caller:
        for version, moment in enumerate(moments, start=3):
            shop.edit(busy, version)
            process = shop.wideload.start("deploy", busy)
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
            now = shop.told(busy)
            told = versions(caller.take())
            assert told <= {serving, version}, f"killed after {moment:.2f} s"
            assert now in (serving, version)
            serving = now
        last = len(moments) + 3
        shop.edit(busy, last)
        result = shop.wideload.json("deploy", busy)
        assert versions(caller.take()) <= {serving, last}
        time.sleep(0.3)
        told = versions(caller.take())
    assert killed >= rounds // 2, "most were still at it"
    assert told == {last}
    assert shop.live(busy) == result["version"]
    assert shop.wideload.json("deploy", busy)["instructions"] == []


def test_a_first_deployment_that_is_killed_is_finished_by_the_next(shop: Shop) -> None:
    moments = [0.5, 0.75, 1.0]
    for number, moment in enumerate(moments):
        name = f"fresh{number}"
        shop.function(name, 'strategy = "s3-zip"' if number % 2 else "")
        process = shop.wideload.start("deploy", name)
        time.sleep(moment)
        process.kill()
        process.communicate()
        assert shop.wideload.json("deploy", name)["alias"] == "live"
        assert shop.told(name) == 1
        assert shop.wideload.json("deploy", name)["instructions"] == []
