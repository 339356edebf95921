from __future__ import annotations

import os
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wideload.errors import WideloadError
from wideload.sandbox import unpack


def archive(path: Path, members: dict[str, bytes], modes: dict[str, int] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (modes or {}).get(name, 0o100644) << 16
            package.writestr(member, content)
    return path


def test_files_lie_as_in_the_archive(tmp_path: Path) -> None:
    package = archive(
        tmp_path / "f.zip",
        {"app.py": b"x", "bin/run": b"#!", "deep/er/f": b"y" * 100000, "empty/": b"", "w": b""},
        {"bin/run": 0o100755, "w": 0o100000},
    )
    unpack(package, tmp_path / "out")
    out = tmp_path / "out"
    assert (out / "deep/er/f").read_bytes() == b"y" * 100000
    assert list((out / "empty").iterdir()) == []
    modes = {name: (out / name).stat().st_mode & 0o777 for name in ("app.py", "bin/run", "w")}
    assert modes == {"app.py": 0o644, "bin/run": 0o755, "w": 0o644}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.zip", "out"]


def test_what_others_may_not_read_cannot_be_read(tmp_path: Path) -> None:
    unpack(archive(tmp_path / "f.zip", {"f": b""}, {"f": 0o100600}), tmp_path / "out")
    assert (tmp_path / "out" / "f").stat().st_mode & 0o555 == 0


def test_links_are_kept(tmp_path: Path) -> None:
    package = archive(
        tmp_path / "f.zip", {"lib.so": b"../x", "lib.so.1": b"1"}, {"lib.so": 0o120777}
    )
    unpack(package, tmp_path / "out")
    assert (tmp_path / "out" / "lib.so").readlink() == Path("../x")


@pytest.mark.parametrize("name", ["../out2", "/etc/x", "a/../../b", "a\\..\\b"])
def test_members_outside_are_refused(tmp_path: Path, name: str) -> None:
    package = archive(tmp_path / "f.zip", {"ok": b"", name: b"evil"})
    with pytest.raises(WideloadError) as raised:
        unpack(package, tmp_path / "sub" / "out")
    assert "outside" in raised.value.why
    assert list((tmp_path / "sub").iterdir()) == []


def test_members_behind_a_link_are_refused(tmp_path: Path) -> None:
    package = archive(tmp_path / "f.zip", {"away": b"/tmp", "away/evil": b"x"}, {"away": 0o120777})
    with pytest.raises(WideloadError, match="cannot unpack"):
        unpack(package, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_zip_or_damaged_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "f.zip").write_bytes(b"no zip")
    with pytest.raises(WideloadError, match="cannot unpack"):
        unpack(tmp_path / "f.zip", tmp_path / "sub" / "out")
    package = archive(tmp_path / "g.zip", {"f": os.urandom(1000)})
    content = bytearray(package.read_bytes())
    content[200] ^= 1
    package.write_bytes(content)
    with pytest.raises(WideloadError, match="cannot unpack"):
        unpack(package, tmp_path / "sub" / "out")
    with pytest.raises(WideloadError, match="cannot unpack"):
        unpack(tmp_path / "absent.zip", tmp_path / "sub" / "out")
    assert list((tmp_path / "sub").iterdir()) == []


def test_at_the_same_time(tmp_path: Path) -> None:
    package = archive(tmp_path / "f.zip", {f"d{n % 7}/{n}": b"x" * n for n in range(300)})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: unpack(package, tmp_path / "out"), range(8)))
    assert len([path for path in (tmp_path / "out").rglob("*") if path.is_file()]) == 300
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.zip", "out"]


names = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="/\\\0."), min_size=1, max_size=5),
    min_size=1,
    max_size=3,
)


@given(st.dictionaries(names.map("/".join), st.binary(max_size=50), max_size=8))
def test_zip_then_unpack_is_identity(files: dict[str, bytes]) -> None:
    folders = {path[:at] for path in files for at, letter in enumerate(path) if letter == "/"}
    files = {path: content for path, content in files.items() if path not in folders}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        unpack(archive(root / "f.zip", files), root / "out")
        found = {
            str(path.relative_to(root / "out")): path.read_bytes()
            for path in (root / "out").rglob("*")
            if path.is_file()
        }
        assert found == files
