"""Files of the user's own that are too big to be read before it is known that they ship."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import pytest

from made_values import entry, sha256_of
from wideload.errors import WideloadError
from wideload.own_files import UNREAD, digest_of, read_unchanged, read_whole
from wideload.values.tree import FileEntry, FileTree, LocalFile


def tree_with(path: Path, size: int, sha256: str = UNREAD) -> FileTree:
    own = FileEntry("model.bin", size, size, 0, 0o644, True, LocalFile(str(path), sha256))
    return FileTree.of([own, entry("pkg/a.py")])


def test_it_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    data = b"weights" * 300_000
    path.write_bytes(data)
    found = read_whole(tree_with(path, len(data)))
    model = found.by_path["model.bin"]
    assert model.crc32 == zlib.crc32(data)
    assert model.origin == LocalFile(str(path), hashlib.sha256(data).hexdigest())
    assert digest_of(str(path)) == (len(data), model.crc32, hashlib.sha256(data).hexdigest())
    assert found.by_path["pkg/a.py"] == entry("pkg/a.py")
    # From then on it is held to what it was.
    assert isinstance(model.origin, LocalFile)
    assert read_unchanged("model.bin", model.origin) == data


def test_a_tree_that_was_read_is_the_same_tree(tmp_path: Path) -> None:
    tree = tree_with(tmp_path / "never looked at", 5, sha256_of("model"))
    assert read_whole(tree) is tree


def test_it_has_another_size_by_now(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"12345")
    with pytest.raises(WideloadError) as caught:
        read_whole(tree_with(path, 4))
    assert caught.value.what == "model.bin changed while it was being packed"


def test_it_is_gone_by_now(tmp_path: Path) -> None:
    with pytest.raises(WideloadError) as caught:
        read_whole(tree_with(tmp_path / "model.bin", 4))
    assert caught.value.what == "model.bin cannot be read"


def test_what_was_not_read_is_never_packed(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"12345")
    with pytest.raises(WideloadError):
        read_unchanged("model.bin", LocalFile(str(path), UNREAD))
