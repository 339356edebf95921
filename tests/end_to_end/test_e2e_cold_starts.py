"""Provisioned concurrency and SnapStart, deployed, called while they change, and taken away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from e2e_caller import Caller
from e2e_command import shared_cache
from e2e_shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

APP = """\
import os

VERSION = 1


def handler(event, context):
    return {"version": VERSION, "started": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]}
"""
HOOKED = """\
from snapshot_restore_py import register_after_restore

restored = []
register_after_restore(lambda: restored.append(True))


def handler(event, context):
    return {"restored": len(restored)}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"), shared_cache(tmp_path_factory))
    yield shop
    shop.wideload("local", "down")


def told(version: int, started: str) -> str:
    return json.dumps({"version": version, "started": started})


def kinds(result: Any) -> list[str]:
    return [line["do"] for line in result["instructions"]]


def set_line(shop: Shop, before: str, after: str) -> None:
    config = shop.folder / "wideload.toml"
    text = config.read_text()
    assert before in text
    config.write_text(text.replace(before, after))


def test_callers_meet_only_environments_that_were_initialised_before(shop: Shop) -> None:
    shop.function("ready", "memory = 256\nprovisioned_concurrency = 2")
    shop.change("ready", APP)
    shop.wideload("deploy", "ready")
    with Caller(shop, "ready") as caller:
        for version in (2, 3):
            shop.change("ready", APP.replace("VERSION = 1", f"VERSION = {version}"))
            result = shop.wideload.json("deploy", "ready")
            assert kinds(result)[-4:] == [
                "provision-concurrency",
                "wait-until-provisioned",
                "update-alias",
                "release-concurrency",
            ]
        shop.wideload("rollback", "ready", "--version", "2")
        shop.wideload("deploy", "ready")
    seen = caller.take()
    assert seen <= {told(one, "provisioned-concurrency") for one in (1, 2, 3)} | {
        # A rollback moves callers at once; they do not wait for environments.
        told(2, "on-demand")
    }
    status = shop.wideload.json("status", "ready")
    assert status["version"] == "3"
    assert status["provisioned"] == [
        {"qualifier": "3", "requested": 2, "ready": 2, "status": "READY", "reason": ""}
    ]
    assert "provisioned concurrency of 3: 2 of 2 ready, READY" in (
        shop.wideload("status", "ready").out
    )
    set_line(shop, "provisioned_concurrency = 2\n", "provisioned_concurrency = 0\n")
    shown = shop.wideload("deploy", "ready", "--dry-run").out
    assert "keep 2 environments of version 3 of ready initialised no longer" in shown
    assert kinds(shop.wideload.json("deploy", "ready")) == ["release-concurrency"]
    assert shop.wideload.json("deploy", "ready")["instructions"] == []


def test_more_than_the_account_has_is_refused_before_anything_is_made(shop: Shop) -> None:
    shop.function("greedy", "provisioned_concurrency = 901")
    refused = shop.wideload.refused("deploy", "greedy")
    assert refused.what == "Lambda cannot keep 901 environments of greedy initialised"
    assert "below its minimum value of [100]." in refused.why
    assert "greedy" not in shop.there()["functions"]


def test_a_version_with_snap_start_is_restored(shop: Shop) -> None:
    shop.function("snapped", "snap_start = true")
    shop.change("snapped", HOOKED)
    shop.wideload("deploy", "snapped")
    assert shop.wideload("invoke", "snapped").json() == {"restored": 1}
    status = shop.wideload.json("status", "snapped")
    assert status["snap_start"] is True
    assert "SnapStart: version 1 starts from a snapshot" in shop.wideload("status", "snapped").out
    shop.change("snapped", "raise OSError('it does not come up')\n" + HOOKED)
    refused = shop.wideload.refused("deploy", "snapped")
    assert refused.what == "Lambda could not prepare snapped (2)"
    assert "FUNCTION_ERROR_INIT_FAILURE" in refused.why
    assert shop.wideload("invoke", "snapped").json() == {"restored": 1}
    shop.change("snapped", HOOKED)
    set_line(shop, "snap_start = true", "snap_start = false")
    assert shop.wideload.json("deploy", "snapped")["version"] == "3"
    assert shop.wideload("invoke", "snapped").json() == {"restored": 0}
    shop.wideload("destroy", "snapped", "--yes")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('runtime = "python3.11"', "python3.11 is not supported for SnapStart enabled functions."),
        ("ephemeral = 1024", "EphemeralStorage of more than 512 MB is not supported for SnapStart"),
        ("provisioned_concurrency = 1", "Provisioned Concurrency is not supported for SnapStart"),
    ],
)
def test_what_snap_start_cannot_be_had_with(shop: Shop, lines: str, words: str) -> None:
    config = shop.folder / "wideload.toml"
    before = config.read_text()
    config.write_text(f'{before}[functions.bad]\nsource = "."\nsnap_start = true\n{lines}\n')
    try:
        refused = shop.wideload.refused("plan", "bad")
    finally:
        config.write_text(before)
    assert refused.what.startswith("bad 'snap_start' in [functions.bad] of ")
    assert refused.why.startswith(f"AWS would answer InvalidParameterValueException: {words}")
