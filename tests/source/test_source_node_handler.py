"""Handlers in Node.js: where the module lies, what it exports, and which kind it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from source_projects import refuses, write_file

from wideload.source.files import list_files
from wideload.source.ignore import Rules
from wideload.source.node_handler import check_node_handler
from wideload.values.target import Target

if TYPE_CHECKING:
    from pathlib import Path

ESM = "export const handler = async (event) => event;\n"
CJS = "exports.handler = async (event) => event;\n"


def check(
    folder: Path,
    handler: str = "index.handler",
    runtime: str = "nodejs22.x",
    packages: tuple[str, ...] = (),
    rules: Rules | None = None,
) -> list[str]:
    notes: list[str] = []
    target = Target.parse(runtime, "x86_64")
    files = list_files(folder, rules or Rules())
    check_node_handler(handler, files, folder, target, packages=packages, tell=notes.append)
    return notes


@pytest.mark.parametrize(
    ("path", "handler", "text"),
    [
        ("index.mjs", "index.handler", ESM),
        ("index.cjs", "index.handler", CJS),
        ("index.js", "index.handler", CJS),
        ("src/app.js", "src/app.handler", CJS),
        ("index.js", "index.api.get", "exports.api = { get: async () => 1 };"),
        ("index.js", "index.handler", "module.exports = require('./lib');"),
        ("index.mjs", "index.handler", "export * from './lib.mjs';"),
        ("index.js", "index.handler", '"use strict";var a=1;exports.handler=async()=>a;'),
    ],
)
def test_what_lambda_would_load(tmp_path: Path, path: str, handler: str, text: str) -> None:
    write_file(tmp_path, path, text)
    assert check(tmp_path, handler) == []


@pytest.mark.parametrize("handler", ["index", "index.", ".handler", "in dex.handler", "a//b.c"])
def test_a_malformed_handler_refuses(tmp_path: Path, handler: str) -> None:
    write_file(tmp_path, "index.js", CJS)
    with refuses("bad handler", "module.function", "index.handler"):
        check(tmp_path, handler)


def test_a_missing_file_is_told_with_what_is_there(tmp_path: Path) -> None:
    write_file(tmp_path, "indx.mjs", ESM)
    with refuses("no file for handler 'index.handler'", "there are indx.mjs", "indx.handler?"):
        check(tmp_path)


def test_typescript_has_to_be_compiled_first(tmp_path: Path) -> None:
    write_file(tmp_path, "index.ts", ESM)
    with refuses("no file for handler", "there is no JavaScript file", "compile TypeScript"):
        check(tmp_path)


def test_a_file_that_is_left_out_is_told(tmp_path: Path) -> None:
    write_file(tmp_path, "index.mjs", ESM)
    with refuses("no file for handler", "index.mjs is there but left out", "exclude"):
        check(tmp_path, rules=Rules(exclude=("index.mjs",)))


def test_a_name_that_stands_nowhere_refuses(tmp_path: Path) -> None:
    write_file(tmp_path, "index.mjs", "export const main = async () => 1;\n")
    with refuses("no function for handler", "index.mjs does not name handler", "export handler"):
        check(tmp_path)


def test_a_handler_of_a_package_is_not_looked_for(tmp_path: Path) -> None:
    notes = check(tmp_path, "@s/app/index.handler", packages=("@s/app",))
    assert "was not checked" in notes[0]


@pytest.mark.parametrize("runtime", ["nodejs20.x", "nodejs22.x"])
def test_an_es_module_that_would_be_taken_for_commonjs_refuses(
    tmp_path: Path, runtime: str
) -> None:
    write_file(tmp_path, "index.js", ESM)
    with refuses("index.js is an ES module", '"type": "module"', "index.mjs"):
        check(tmp_path, runtime=runtime)
    write_file(tmp_path, "package.json", '{"type": "module"}')
    assert check(tmp_path, runtime=runtime) == []


def test_node_24_guesses_the_kind_itself(tmp_path: Path) -> None:
    write_file(tmp_path, "index.js", ESM)
    assert check(tmp_path, runtime="nodejs24.x") == []


def test_the_nearest_package_json_tells_the_kind(tmp_path: Path) -> None:
    write_file(tmp_path, "package.json", '{"type": "module"}')
    write_file(tmp_path, "lib/package.json", "{}")
    write_file(tmp_path, "lib/index.js", CJS)
    assert check(tmp_path, "lib/index.handler") == []
    write_file(tmp_path, "index.js", CJS)
    with refuses("index.js is CommonJS", "exports", "index.cjs"):
        check(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "exports.handler = (event, context, callback) => callback(null, 1);",
        "exports.handler = function (event, context, callback) { callback(null, 1); };",
        "function handler(event, context, callback) {}\nexports.handler = handler;",
    ],
)
def test_a_callback_is_told_from_node_24_on(tmp_path: Path, text: str) -> None:
    write_file(tmp_path, "index.cjs", text)
    assert check(tmp_path) == []
    assert "takes a callback" in check(tmp_path, runtime="nodejs24.x")[0]
