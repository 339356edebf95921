"""From each way to ship to each other, at the last byte of the quota, while callers call."""

from __future__ import annotations

import json
import random
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from e2e_caller import Caller
from e2e_command import Command, shared_cache
from e2e_shop import Shop

from local_index import LocalIndex
from wheel_maker import Made, members_of, wheel
from wideload.cache import Cache
from zstd_wheel import fetched, put

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.heavy, pytest.mark.sandbox, pytest.mark.network]

QUOTA = 262_144_000
ONE = 200_000_000
EVENT = "{}"
# Code and packages tell the same number, or somebody got old code with new layers.
APP = """\
import ballast_one
import ballast_two

VERSION = {version:2}


def handler(event, context):
    return {{"versions": [VERSION, ballast_one.NUMBER, ballast_two.NUMBER]}}
"""
# Every pair of ways follows each other once; layers also follow layers, and bundles bundles.
WAYS = ["direct-zip", "s3-zip", "layers", "layers", "direct-zip", "layers", "s3-zip", "direct-zip"]
WAYS += ["s3-bootstrap", "s3-zip", "s3-bootstrap", "layers", "s3-bootstrap", "s3-bootstrap"]
WAYS += ["direct-zip"]
KILLED = ["direct-zip", "layers", "layers", "s3-zip"]
KILLED += ["s3-bootstrap", "layers", "s3-bootstrap", "direct-zip", "s3-bootstrap", "s3-zip"]
BUNDLED = "s3-bootstrap"
# From a bundle a function starts that is over the quota.
OVER = 20_000_000
SPLITS = {
    # So that going from layers to layers all of them are exchanged.
    0: "{ ballast-one = 1, ballast-two = 2 }",
    1: "{ ballast-one = 1, ballast-two = 1 }",
}


def ballast(name: str, version: int, size: int, release: int = 0) -> Made:
    """A wheel of exactly this many bytes unzipped, which deflate to next to nothing."""

    def made(fill: int) -> Made:
        files: dict[str, str | bytes] = {
            f"ballast_{name}/__init__.py": f"NUMBER = {version}\n",
            f"ballast_{name}/fill.bin": bytes([version]) * fill,
        }
        return wheel(f"ballast-{name}", f"{version}.{release}", files=files, record="missing")

    return made(size - sum(map(len, members_of(made(0)).values())))


@pytest.fixture(scope="module")
def index() -> Iterator[LocalIndex]:
    """Of each version two packages that fill the quota beside the function's own files."""
    own = len(APP.format(version=1)) + len(EVENT)
    ways = [*enumerate(WAYS, start=1), *enumerate(KILLED, start=2)]
    bundled = {version for version, way in ways if way == BUNDLED}
    with LocalIndex() as index:
        for version in range(1, len(WAYS) + 1):
            two = QUOTA - ONE - own
            index.add(ballast("one", version, ONE), ballast("two", version, two))
            if version in bundled:
                index.add(ballast("two", version, two + OVER, release=1))
        yield index


@pytest.fixture
def shop(index: LocalIndex, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    cache = shared_cache(tmp_path_factory)
    # What a bundle needs to be unpacked comes from elsewhere than the index of these tests.
    put(fetched("python3.13"), Cache(cache))
    shop = Shop(tmp_path_factory.mktemp("shop"), cache)
    shop.function("edge", 'requirements = "requirements.txt"\nslim = "none"\nmemory = 256\n#')
    (shop.folder / "edge" / "event.json").write_text(EVENT)
    shop.wideload = Command(
        shop.folder, cache, UV_DEFAULT_INDEX=index.url, NO_PROXY="127.0.0.1", UV_NO_CONFIG="1"
    )
    yield shop
    shop.wideload("local", "down")


def prepare(shop: Shop, version: int, way: str) -> None:
    """Another version of everything, to be shipped another way."""
    config = shop.folder / "wideload.toml"
    head, _, _ = config.read_text().partition("#")
    config.write_text(f'{head}#\nstrategy = "{way}"\nsplit = {SPLITS[version % 2]}\n')
    shop.change("edge", APP.format(version=version))
    release = 1 if way == BUNDLED else 0
    (shop.folder / "edge" / "requirements.txt").write_text(
        f"ballast-one=={version}.0\nballast-two=={version}.{release}\n"
    )


def told(version: int) -> str:
    return json.dumps({"versions": [version] * 3})


def check_size(shop: Shop, way: str) -> None:
    """To the last byte of the quota, or past it."""
    found: Any = json.loads(
        (shop.folder / ".wideload" / "build" / "edge" / "manifest.json").read_bytes()
    )
    size = sum(artifact["unzipped_bytes"] for artifact in found["artifacts"])
    if way == BUNDLED:
        assert size > QUOTA + OVER
    else:
        assert size == QUOTA


def test_no_migration_at_the_edge_is_refused_nor_seen_half_done(shop: Shop) -> None:
    prepare(shop, 1, WAYS[0])
    shop.wideload("deploy", "edge")
    check_size(shop, WAYS[0])
    with Caller(shop, "edge") as caller:
        for version, way in enumerate(WAYS[1:], start=2):
            prepare(shop, version, way)
            result = shop.wideload.json("deploy", "edge")
            assert result["strategy"] == way
            check_size(shop, way)
            assert caller.take() <= {told(version - 1), told(version)}
            time.sleep(0.5)
            assert caller.take() == {told(version)}, f"{WAYS[version - 2]} to {way}"
            assert shop.wideload.json("deploy", "edge")["instructions"] == []


def test_a_migration_that_is_killed_is_finished_by_the_next(shop: Shop) -> None:
    prepare(shop, 1, "layers")
    started = time.monotonic()
    shop.wideload("deploy", "edge")
    lasts = time.monotonic() - started
    serving = 1
    with Caller(shop, "edge") as caller:
        for version, way in enumerate(KILLED, start=2):
            prepare(shop, version, way)
            shop.wideload("build", "edge")
            for _ in range(2):
                process = shop.wideload.start("deploy", "edge")
                time.sleep(lasts * random.uniform(0.2, 0.6))
                process.send_signal(signal.SIGKILL)
                process.communicate()
                assert caller.take() <= {told(serving), told(version)}
            assert shop.wideload.json("deploy", "edge")["strategy"] == way
            assert caller.take() <= {told(serving), told(version)}
            serving = version
            time.sleep(0.5)
            assert caller.take() == {told(version)}
