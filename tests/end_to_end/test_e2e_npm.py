"""A function in Node.js by every way to ship it: planned, built, run, the same bytes again."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from typing import TYPE_CHECKING

import pytest
from e2e_command import Command, shared_cache

from npm_registry import Registry, package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.heavy, pytest.mark.sandbox, pytest.mark.network]

GREET = package(
    "greet",
    {
        "index.js": "const w = require('@s/words'); exports.greet = (n) => `${w} ${n}`;\n",
        "index.d.ts": "export declare function greet(name: string): string;\n" * 50,
        "prebuilds/darwin-x64/greet.node": b"\xcf\xfa\xed\xfe" * 100,
    },
    dependencies={"@s/words": "^1"},
)
WORDS = package("@s/words", {"index.js": "module.exports = 'hello';\n"})
CONFIG = """\
[functions.{name}]
source = "shop"
handler = "{module}.handler"
runtime = "{runtime}"
strategy = "{strategy}"
"""
ESM = """\
import { readFile } from "node:fs/promises";
import { greet } from "greet";
const name = JSON.parse(await readFile(new URL("name.json", import.meta.url), "utf8"));
export const handler = async (event) => ({ said: greet(name), event });
"""
CJS = """\
const { greet } = require("greet");
exports.handler = (event, context, callback) => callback(null, { said: greet("you"), event });
"""
STRATEGIES = ("direct-zip", "s3-zip", "layers", "s3-bootstrap")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    folder = tmp_path_factory.mktemp("npm")
    tables = [
        CONFIG.format(name=f"{strategy}-{kind}", module=kind, runtime=runtime, strategy=strategy)
        for strategy in STRATEGIES
        for kind, runtime in (("esm", "nodejs22.x"), ("cjs", "nodejs20.x"))
    ]
    (folder / "wideload.toml").write_text("\n".join(tables))
    with Registry(GREET, WORDS) as registry:
        source = folder / "shop"
        registry.lock(source, {"greet": GREET, "@s/words": WORDS}, {"greet": "^1"})
        (source / "esm.mjs").write_text(ESM)
        (source / "cjs.cjs").write_text(CJS)
        (source / "name.json").write_text('"world"')
        (source / ".npmrc").write_text(f"registry={registry.url}\n//x/:_authToken=s3cret\n")
        command = Command(folder, shared_cache(tmp_path_factory), **settings(folder))
        yield command
        command("local", "down")


def settings(folder: Path) -> dict[str, str]:
    """Nothing of what npm keeps for this machine's user."""
    return {
        "npm_config_userconfig": os.devnull,
        "npm_config_cache": str(folder.parent / "npm-cache"),
        "npm_config_fetch_retries": "0",
    }


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("kind", "name"), [("esm", "world"), ("cjs", "you")])
def test_it_is_shipped_and_answers(shop: Command, strategy: str, kind: str, name: str) -> None:
    function = f"{strategy}-{kind}"
    shop("deploy", function)
    event = shop.folder / "event.json"
    event.write_text('{"n": 1}')
    answer = json.loads(shop("invoke", function, "--event", str(event)).out)
    assert answer == {"said": f"hello {name}", "event": {"n": 1}}
    shop("verify", function, "--event", str(event))


def test_a_plan_is_an_estimate_before_and_exact_after(shop: Command, tmp_path: Path) -> None:
    other = Command(shop.folder, tmp_path / "cache", **settings(shop.folder))
    before = other.json("plan", "direct-zip-esm")
    assert before["exact"] is False
    assert [one["name"] for one in before["packages"]] == ["@s/words", "greet"]
    other("build", "direct-zip-esm")
    after = other.json("plan", "direct-zip-esm")
    assert after["exact"] is True
    assert after["downloaded_bytes"] == 0
    (proposal,) = [one for one in after["candidates"] if one["strategy"] == "direct-zip"]
    built = shop.folder / ".wideload" / "build" / "direct-zip-esm" / "function.zip"
    assert proposal["zipped_bytes"] == built.stat().st_size


def test_what_ships_is_what_the_lock_says_and_the_same_from_an_empty_cache(
    shop: Command, tmp_path: Path
) -> None:
    shop("build", "direct-zip-esm")
    built = shop.folder / ".wideload" / "build" / "direct-zip-esm"
    first = hashlib.sha256((built / "function.zip").read_bytes()).hexdigest()
    with zipfile.ZipFile(built / "function.zip") as archive:
        assert set(archive.namelist()) == {
            *("esm.mjs", "cjs.cjs", "name.json", "package.json"),
            *("node_modules/greet/package.json", "node_modules/greet/index.js"),
            *("node_modules/@s/words/package.json", "node_modules/@s/words/index.js"),
        }
    manifest = json.loads((built / "manifest.json").read_text())
    rules = {one["path"].rpartition("/")[2]: one["rule"] for one in manifest["removals"]}
    assert rules == {"index.d.ts": "npm-types/1", "greet.node": "npm-foreign/1"}
    (built / "function.zip").unlink()
    Command(shop.folder, tmp_path / "cache", **settings(shop.folder))("build", "direct-zip-esm")
    assert hashlib.sha256((built / "function.zip").read_bytes()).hexdigest() == first


def test_layers_hold_all_packages_and_the_function_none(shop: Command) -> None:
    shop("build", "layers-esm")
    built = shop.folder / ".wideload" / "build" / "layers-esm"
    with zipfile.ZipFile(built / "function.zip") as archive:
        assert not any(name.startswith("node_modules/") for name in archive.namelist())
    with zipfile.ZipFile(built / "layer-1.zip") as archive:
        assert all(name.startswith("nodejs/node_modules/") for name in archive.namelist())
    assert json.loads((shop.folder / "shop" / "layers-esm.split.json").read_text())["places"] == {
        "@s/words": 1,
        "greet": 1,
    }


def test_a_trace_is_refused(shop: Command) -> None:
    told = shop.refused("trace", "direct-zip-esm")
    assert told.what == "direct-zip-esm cannot be traced"
    assert "nodejs22.x" in told.why
