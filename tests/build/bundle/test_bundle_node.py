"""Bundles of functions in Node.js: what goes where, and what the frames are."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import zlib
from pathlib import Path

import msgspec
import pytest
import zstandard

from wideload.build.bundle.format import FORMAT, FORMAT_WITH_COMPRESSION, Index
from wideload.build.bundle.node import (
    compression_for,
    divide_node,
    node_loader_files,
    package_of,
    write_node_bundle,
)
from wideload.build.bundle.writer import INDEXES
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.values.packing import pack
from wideload.values.target import Target
from wideload.values.tree import FileEntry, FileTree, LocalFile

FRAME = 64 * 1024
FILES: dict[str, bytes] = {
    "index.mjs": b"export const handler = async () => 1;",
    "lib/own.js": b"own" * 100,
    "model.bin": random.Random(1).randbytes(2_000_000),
    "node_modules/a/index.js": b"a" * 100_000,
    "node_modules/a/node_modules/@s/b/index.js": b"b" * 1000,
    "node_modules/c/big.node": random.Random(2).randbytes(300_000),
    "packages/local/node_modules/d/x.js": b"d",
    "node_modules_not/e.js": b"e",
}


def tree(folder: Path, files: dict[str, bytes]) -> FileTree:
    entries = []
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        stream, stored = pack(data)
        origin = LocalFile(str(path), hashlib.sha256(data).hexdigest())
        entry = FileEntry(name, len(data), len(stream), zlib.crc32(data), 0o644, stored, origin)
        entries.append(entry)
    return FileTree.of(entries)


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("index.mjs", ""),
        ("node_modules/a/b/c.js", "node_modules/a"),
        ("node_modules/@s/a/c.js", "node_modules/@s/a"),
        ("node_modules/a/node_modules/@s/b/c.js", "node_modules/a/node_modules/@s/b"),
        ("w/node_modules/a/c.js", "w/node_modules/a"),
        ("node_modules_not/a.js", ""),
        ("a/node_modules", ""),
    ],
)
def test_package_of(path: str, package: str) -> None:
    assert package_of(path) == package


def test_packages_and_large_files_are_bundled_and_the_rest_lies_beside(tmp_path: Path) -> None:
    whole = tree(tmp_path, FILES)
    divided = divide_node(whole)
    own = {"index.mjs", "lib/own.js", "node_modules_not/e.js"}
    assert {entry.path for entry in divided.zipped} == own
    assert set(divided.beside) == own
    assert divided.zipped.beside(divided.bundled) == whole
    assert divided.owners["model.bin"] == ""
    assert divided.owners["packages/local/node_modules/d/x.js"] == "packages/local/node_modules/d"


@pytest.mark.parametrize("runtime", ["nodejs20.x", "nodejs22.x", "nodejs24.x"])
def test_the_frames_hold_the_files_and_are_the_same_everywhere(
    tmp_path: Path, runtime: str
) -> None:
    target = Target.parse(runtime, "x86_64")
    made = []
    for number in range(2):
        cache = Cache(tmp_path / f"cache{number}")
        divided = divide_node(tree(tmp_path / f"source{number}", FILES))
        out = tmp_path / f"bundle{number}"
        bundle = write_node_bundle(divided, {}, {}, target, out, cache, frame=FRAME)
        made.append((bundle, out.read_bytes()))
    assert made[0] == made[1]
    bundle, content = made[0]
    raw_index = cache.path(INDEXES, bundle.index).read_bytes()
    index = msgspec.json.decode(raw_index, type=Index)
    assert (index.format, index.compression) == (
        FORMAT_WITH_COMPRESSION,
        compression_for(target),
    )
    assert json.loads(raw_index)["compression"] == ("gzip" if runtime == "nodejs20.x" else "zstd")
    raw = b""
    for frame in index.frames:
        data = content[frame.offset : frame.offset + frame.length]
        assert hashlib.sha256(data).hexdigest() == frame.sha256
        if runtime == "nodejs20.x":
            part = gzip.decompress(data)
        else:
            part = zstandard.ZstdDecompressor().decompress(data)
        assert (len(part), hashlib.sha256(part).hexdigest()) == (
            frame.raw_length,
            frame.raw_sha256,
        )
        raw += part
    assert raw == b"".join(FILES[file.path] for file in index.files)
    assert [file.path for file in index.files] == sorted(divided.owners)
    assert index.first == tuple(range(len(index.frames)))
    assert set(index.own) == {entry.path for entry in divided.zipped}


def test_nothing_to_bundle_is_told(tmp_path: Path) -> None:
    divided = divide_node(tree(tmp_path, {"index.mjs": b"export {}"}))
    target = Target.parse("nodejs22.x", "x86_64")
    with pytest.raises(WideloadError, match="there is nothing to put into a bundle"):
        write_node_bundle(divided, {}, {}, target, tmp_path / "out", Cache(tmp_path / "cache"))


def test_the_loader_lies_in_the_zip_with_what_it_has_to_know(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    target = Target.parse("nodejs22.x", "x86_64")
    divided = divide_node(tree(tmp_path, FILES))
    bundle = write_node_bundle(divided, {}, {}, target, tmp_path / "out", cache)
    files = node_loader_files(bundle, "lib/own.handler", cache)
    paths = {entry.path for entry in files}
    assert {"_wideload/run.mjs", "_wideload/worker.mjs", "_wideload/index.json"} <= paths
    assert files == node_loader_files(bundle, "lib/own.handler", cache)
    assert files.zipped_bytes < 40_000


def test_the_index_of_a_python_bundle_says_nothing_of_compression() -> None:
    index = Index(FORMAT, "", 0, 0, 0, (), (), (), (), (), "")
    assert "compression" not in json.loads(index.encode())
