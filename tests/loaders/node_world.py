"""A function in Node.js whose packages lie in a bundle, started as Lambda would."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import deflate
import msgspec
from loader_world import LOCATION, Outcome, World

from wideload.build.bundle.content import Contents
from wideload.build.bundle.node import divide_node, node_loader_files, write_node_bundle
from wideload.cache import default_root
from wideload.nodejs import find_node
from wideload.values.bundle import BUNDLE_VARIABLE, NODE_LOADER_HANDLER
from wideload.values.target import Target
from wideload.values.tree import FileEntry, FileTree, LocalFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wideload.cache import Cache

FRAME = 256 * 1024
PACKAGES: dict[str, bytes | str] = {
    "alpha/package.json": '{"name": "alpha", "version": "1.2.3", "main": "index.js"}',
    "alpha/index.js": "exports.VALUE = 'sub'; exports.beta = require('beta');",
    "alpha/table.bin": random.Random(2).randbytes(400_000),
    "alpha/node_modules/beta/package.json": '{"name": "beta", "main": "b.js"}',
    "alpha/node_modules/beta/b.js": "module.exports = 1;",
    "@scope/beta/package.json": '{"name": "@scope/beta", "type": "module", "exports": "./b.js"}',
    "@scope/beta/b.js": "export const TWO = 2; export default import.meta.url;",
    "gamma/package.json": '{"name": "gamma"}',
    "gamma/index.js": "module.exports = 3;",
    "big/package.json": '{"name": "big"}',
    "big/index.js": "exports.file = require('path').join(__dirname, 'model.bin');",
    "big/model.bin": random.Random(1).randbytes(3_000_000),
    "lazy/package.json": '{"name": "lazy"}',
    "lazy/index.js": "module.exports = 'lazy';",
    "lazy/weights.bin": random.Random(4).randbytes(500_000),
    "tool/cli.sh": "#!/bin/sh\n",
    "empty/package.json": '{"name": "empty"}',
    "empty/index.js": "",
}
ANSWER = """
    return {
        sub: alpha.VALUE, sum: alpha.beta + TWO + gamma, lazy: lazy,
        model: createHash("sha256").update(readFileSync(big.file)).digest("hex"),
        handler: process.env._HANDLER, root: process.env.LAMBDA_TASK_ROOT, cwd: process.cwd(),
        own: readFileSync("data/words.txt", "utf8"), event,
    };
"""
ESM: dict[str, bytes | str] = {
    "src/app.mjs": f"""
import alpha from "alpha";
import {{ TWO }} from "@scope/beta";
import gamma from "gamma";
import big from "big";
import {{ createHash }} from "node:crypto";
import {{ readFileSync }} from "node:fs";
const {{ default: lazy }} = await import("lazy");
export const handler = async (event) => {{{ANSWER}}};
""",
    "data/words.txt": "words",
}
COMMONJS: dict[str, bytes | str] = {
    "package.json": '{"name": "own", "type": "commonjs"}',
    "src/app.js": f"""
const alpha = require("alpha");
const gamma = require("gamma");
const big = require("big");
const lazy = require("lazy");
const {{ createHash }} = require("node:crypto");
const {{ readFileSync }} = require("node:fs");
exports.handler = async (event) => {{
    const {{ TWO }} = await import("@scope/beta");
    {ANSWER}
}};
""",
    "data/words.txt": "words",
}
# What Lambda's runtime does: resolve the handler, call it.
RUNTIME = """
const task = process.env.LAMBDA_TASK_ROOT;
try {
    const { handler } = await import(`${task}/_wideload/run.mjs`);
    console.log(JSON.stringify(await handler({ n: 1 }, {})));
} catch (error) {
    console.error(error.stack);
    process.exit(1);
}
"""


class Kitchen(msgspec.Struct):
    """The function's files."""

    raw: FileTree

    def content(self, entry: FileEntry) -> bytes:
        assert isinstance(entry.origin, LocalFile)
        return Path(entry.origin.path).read_bytes()


class NodeWorld(World):
    """The same as for Python, with Node.js."""

    def __init__(  # the parent's is for Python
        self,
        root: Path,
        runtime: str,
        cache: Cache,
        packages: Mapping[str, bytes | str] = PACKAGES,
        own: Mapping[str, bytes | str] = ESM,
        handler: str = "src/app.handler",
        folder: str = "",
    ) -> None:
        self.target = Target.parse(runtime, "x86_64")
        self.node = find_node(self.target.node, default_root()).executable
        self.task, self.tmp, self.out = root / "task", root / "tmp", root / "bundle"
        self.tmp.mkdir(parents=True)
        files = {f"node_modules/{name}": data for name, data in packages.items()} | dict(own)
        entries = [_entry(root / "source", name, data) for name, data in files.items()]
        self.kitchen = Kitchen(FileTree.of(entries))  # type: ignore[assignment]
        divided = divide_node(self.kitchen.raw)
        self.own = {entry.path for entry in divided.zipped}
        self.bundle = write_node_bundle(divided, {}, {}, self.target, self.out, cache, frame=FRAME)
        loader = node_loader_files(self.bundle, handler, cache, folder or str(self.tmp))
        with Contents({}, {}, cache) as contents:
            for entry in loader.beside(divided.zipped):
                place = self.task / entry.path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(contents.read(entry)[0])
                place.chmod(entry.mode)

    def environ(self, url: str, **more: str) -> dict[str, str]:
        task = str(self.task)
        own = {"_HANDLER": NODE_LOADER_HANDLER, "NODE_PATH": f"/opt/nodejs/node_modules:{task}"}
        return super().environ(url) | own | {BUNDLE_VARIABLE: LOCATION.variable()} | more

    @property
    def command(self) -> list[str]:
        return [self.node, "--input-type=module", "-e"]

    def program(self, code: str) -> str:
        return code or RUNTIME

    def right(self, outcome: Outcome) -> None:
        assert outcome.code == 0, outcome.error
        assert outcome.answer["sum"] == 6
        assert outcome.answer["sub"] == "sub"
        assert outcome.answer["lazy"] == "lazy"
        assert outcome.answer["handler"] == "src/app.handler"
        assert outcome.answer["root"] == outcome.answer["cwd"] == str(self.tree)
        assert outcome.answer["own"] == "words"

    def whole(self) -> None:
        wanted = {entry.path: self.kitchen.content(entry) for entry in self.kitchen.raw}
        found = {
            path.relative_to(self.tree).as_posix(): path.read_bytes()
            for path in self.tree.rglob("*")
            if path.is_file()
        }
        assert found.keys() == wanted.keys()
        assert found == wanted
        for entry in self.kitchen.raw:
            assert (self.tree / entry.path).stat().st_mode & 0o7777 == entry.mode

    @contextlib.contextmanager
    def changed_index(self, changes: Mapping[str, object]) -> Iterator[None]:
        """The index is another while the block lasts."""
        path = self.task / "_wideload/index.json"
        was = path.read_bytes()
        path.write_text(json.dumps(json.loads(was) | changes))
        try:
            yield
        finally:
            path.write_bytes(was)


def _entry(folder: Path, name: str, data: bytes | str) -> FileEntry:
    raw = data if isinstance(data, bytes) else data.encode()
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    stream = len(deflate.deflate_compress(raw, 6)) if raw else 0
    return FileEntry(
        path=name,
        size=len(raw),
        compressed_size=min(stream, len(raw)),
        crc32=zlib.crc32(raw),
        mode=0o755 if name.endswith(".sh") else 0o644,
        stored=stream >= len(raw),
        origin=LocalFile(str(path), hashlib.sha256(raw).hexdigest()),
    )
