"""Layers become a root: laid over each other, hidden, never outside, never twice."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from typing import TYPE_CHECKING, BinaryIO

import pytest

from wideload.errors import WideloadError
from wideload.rootfs import Roots, TooBig
from wideload.values.image import OCI_LAYER, OCI_MANIFEST, Descriptor

if TYPE_CHECKING:
    from pathlib import Path

MOST = 1 << 30
MANIFEST = Descriptor(OCI_MANIFEST, f"sha256:{'a' * 64}", 1)


class Layers:
    """Layers in memory, counting how often each is opened."""

    def __init__(self, *layers: bytes) -> None:
        self._content = {hashlib.sha256(one).hexdigest(): one for one in layers}
        self.all = [
            Descriptor(OCI_LAYER, f"sha256:{hashlib.sha256(one).hexdigest()}", len(one))
            for one in layers
        ]
        self.opened: list[str] = []

    def open(self, layer: Descriptor) -> BinaryIO:
        self.opened.append(layer.sha256)
        return io.BytesIO(self._content[layer.sha256])


def layer(*members: tuple[str, str], mode: int = 0o644) -> bytes:
    """A layer of files; ``->`` in front of the content makes a link, ``=>`` a hard one, and a
    name that ends in ``/`` a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name.rstrip("/"))
            info.mode = mode
            if name.endswith("/"):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif content.startswith("->"):
                info.type, info.linkname = tarfile.SYMTYPE, content[2:]
            elif content.startswith("=>"):
                info.type, info.linkname = tarfile.LNKTYPE, content[2:]
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
    return gzip.compress(buffer.getvalue())


def root_of(folder: Path, *layers: bytes, most: int = MOST) -> Path:
    given = Layers(*layers)
    return Roots(folder).make(MANIFEST, given.all, given.open, most)


def files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.stat().st_size
    }


def test_layers_lie_over_each_other(tmp_path: Path) -> None:
    root = root_of(
        tmp_path,
        layer(("etc/a", "low"), ("etc/b", "low"), ("usr/lib/x", "low")),
        layer(("etc/a", "high"), ("./usr/lib/y", "high"), ("/var/task/app.py", "high")),
    )
    assert files(root) == {
        "etc/a": "high",
        "etc/b": "low",
        "usr/lib/x": "low",
        "usr/lib/y": "high",
        "var/task/app.py": "high",
    }


def test_what_a_layer_takes_away_is_gone(tmp_path: Path) -> None:
    root = root_of(
        tmp_path,
        layer(("a/one", "1"), ("a/two", "2"), ("b/three", "3"), ("c", "4")),
        layer(("a/.wh.one", ""), ("b/.wh..wh..opq", ""), ("b/new", "5"), (".wh.c", "")),
    )
    assert files(root) == {"a/two": "2", "b/new": "5"}


def test_a_file_takes_the_place_of_a_folder_and_the_other_way_round(tmp_path: Path) -> None:
    root = root_of(
        tmp_path,
        layer(("was-folder/x", "1"), ("was-file", "2"), ("was-link", "->was-folder")),
        layer(("was-folder", "3"), ("was-file/y", "4"), ("was-link/z", "5")),
    )
    assert files(root) == {"was-folder": "3", "was-file/y": "4", "was-link/z": "5"}


def test_links_are_made_as_they_are_and_followed_within_only(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = root_of(
        tmp_path / "roots",
        layer(
            ("usr/bin/tool", "tool"),
            ("bin", "->usr/bin"),
            ("bin/other", "other"),
            ("again", "=>usr/bin/tool"),
            ("escape", f"->{outside}"),
            ("escape/written", "no"),
            ("up", "->../../../.."),
            ("up/written", "no"),
        ),
    )
    assert (root / "bin").readlink().as_posix() == "usr/bin"
    assert (root / "usr" / "bin" / "other").read_text() == "other"
    assert (root / "again").read_text() == "tool"
    assert list(outside.iterdir()) == []
    assert (root / "written").read_text() == "no"
    assert {path.name for path in tmp_path.iterdir()} == {"outside", "roots"}


@pytest.mark.parametrize("name", ["../out", "a/../../out", "a/.."])
def test_a_member_that_would_lie_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WideloadError, match="a layer of the image is damaged"):
        root_of(tmp_path / "roots", layer((name, "x")))
    assert not (tmp_path / "out").exists()


def test_a_whiteout_reaches_nothing_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    root_of(
        tmp_path / "roots",
        layer(("escape", f"->{outside}")),
        layer(("escape/.wh.kept", ""), ("escape/.wh..wh..opq", "")),
    )
    assert (outside / "kept").read_text() == "kept"


def test_what_others_may_not_read_the_function_may_not(tmp_path: Path) -> None:
    root = root_of(tmp_path, layer(("secret", "x"), mode=0o600))
    assert (root / "secret").stat().st_mode & 0o777 == 0o200
    root = root_of(tmp_path / "b", layer(("run", "x"), mode=0o755))
    assert (root / "run").stat().st_mode & 0o555 == 0o555


def test_there_is_a_place_for_all_that_a_sandbox_mounts(tmp_path: Path) -> None:
    root = root_of(tmp_path, layer(("etc/hosts", "->/nowhere"), ("tmp", "a file")))
    for name in ("proc", "dev", "tmp", "mnt", "opt", "sys/devices/system/cpu"):
        assert (root / name).is_dir()
    for name in ("etc/hosts", "etc/resolv.conf"):
        assert (root / name).is_file()
        assert not (root / name).is_symlink()


def test_a_layer_is_unpacked_once_and_links_take_no_room(tmp_path: Path) -> None:
    roots = Roots(tmp_path)
    base = layer(("lib/big", "x" * 10_000))
    first, second = Layers(base, layer(("app", "1"))), Layers(base, layer(("app", "2")))
    one = roots.make(MANIFEST, first.all, first.open, MOST)
    other = Descriptor(OCI_MANIFEST, f"sha256:{'b' * 64}", 1)
    two = roots.make(other, second.all, second.open, MOST)
    assert second.opened == [second.all[1].sha256]
    assert (one / "lib" / "big").samefile(two / "lib" / "big")
    assert ((one / "app").read_text(), (two / "app").read_text()) == ("1", "2")
    assert roots.make(MANIFEST, first.all, second.open, MOST) == one


def test_what_is_not_needed_is_deleted(tmp_path: Path) -> None:
    roots = Roots(tmp_path)
    base = layer(("lib", "x"))
    first, second = Layers(base, layer(("app", "1"))), Layers(base, layer(("app", "2")))
    roots.make(MANIFEST, first.all, first.open, MOST)
    other = Descriptor(OCI_MANIFEST, f"sha256:{'b' * 64}", 1)
    roots.make(other, second.all, second.open, MOST)
    roots.collect([(other, *second.all)], running=[])
    assert roots.find(MANIFEST) is None
    assert roots.find(other) is not None
    roots.collect([], running=[other.sha256])
    assert roots.find(other) is not None
    roots.collect([])
    assert roots.find(other) is None


def test_more_than_it_may_take(tmp_path: Path) -> None:
    big = layer(("zeros", "0" * 100_000))
    size = len(gzip.decompress(big))
    root_of(tmp_path / "fits", big, most=size)
    with pytest.raises(TooBig):
        root_of(tmp_path / "over", big, most=size - 1)
    # Each alone fits, both together do not.
    with pytest.raises(TooBig):
        root_of(tmp_path / "both", big, layer(("a", "0" * 100_000)), most=size + 1000)
    assert Roots(tmp_path / "over").find(MANIFEST) is None


@pytest.mark.parametrize(
    "damage", [b"", b"no gzip", layer(("a", "b"))[:-20]], ids=["empty", "no gzip", "cut off"]
)
def test_a_damaged_layer_is_told(tmp_path: Path, damage: bytes) -> None:
    with pytest.raises(WideloadError, match="damaged"):
        root_of(tmp_path, damage)
    assert Roots(tmp_path).find(MANIFEST) is None
