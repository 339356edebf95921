from __future__ import annotations

import contextlib
import io
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wideload.local.functions import archives
from wideload.local.functions.faults import LambdaFault


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


def _written(path: Path, entries: list[tuple[zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for entry, data in entries:
            attributes = entry.external_attr
            archive.writestr(entry, data)
            # zipfile has set them to 0600 where there were none.
            entry.external_attr = attributes
    return path


def test_files_links_and_modes_are_unpacked(tmp_path: Path) -> None:
    path = _written(
        tmp_path / "a.zip",
        [
            (_entry("./bin/run", stat.S_IFREG | 0o755), b"#!"),
            (_entry("plain.txt", 0), b"text"),
            (_entry("link", stat.S_IFLNK | 0o777), b"/opt/elsewhere"),
            (_entry("empty/", stat.S_IFDIR | 0o755), b""),
        ],
    )
    assert archives.inspect(path).files == 3
    archives.verify(path)
    folder = tmp_path / "out"
    folder.mkdir()
    archives.unpack(path, folder)
    assert stat.S_IMODE((folder / "bin" / "run").stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "plain.txt").stat().st_mode) == 0o644
    assert (folder / "link").readlink() == Path("/opt/elsewhere")
    assert (folder / "empty").is_dir()


@pytest.mark.parametrize(
    "entries",
    [
        [(_entry("a", stat.S_IFLNK | 0o777), b"/tmp"), (_entry("a/b", 0), b"through the link")],
        [(_entry("device", stat.S_IFCHR | 0o600), b"")],
        [(_entry("a/../../b", 0), b"x")],
        [(_entry("C:\\x", 0), b"x")],
    ],
)
def test_archives_that_would_do_harm_are_refused(
    tmp_path: Path, entries: list[tuple[zipfile.ZipInfo, bytes]]
) -> None:
    path = _written(tmp_path / "a.zip", entries)
    with pytest.raises(LambdaFault, match="Could not unzip uploaded file"):
        archives.inspect(path)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}(/[A-Z]{1,8}){0,2}", fullmatch=True),
        st.binary(max_size=200),
        min_size=1,
    )
)
def test_unpacking_is_the_inverse_of_packing(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    # Lower case for folders above, upper case below: no name is both a file and a folder
    # unless one name is the other's beginning.
    if any(other.startswith(f"{name}/") for name in files for other in files):
        return
    folder = tmp_path_factory.mktemp("law")
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    found = archives.inspect(path)
    assert (found.unzipped, found.files) == (sum(map(len, files.values())), len(files))
    archives.verify(path)
    out = folder / "out"
    out.mkdir()
    archives.unpack(path, out)
    unpacked = {
        str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()
    }
    assert unpacked == files


@given(st.binary(max_size=300))
def test_any_bytes_are_inspected_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"b")
    whole = buffer.getvalue()
    path = tmp_path_factory.mktemp("any") / "a.zip"
    path.write_bytes(whole[: len(data) % len(whole)] + data)
    with contextlib.suppress(LambdaFault):
        archives.inspect(path)
        archives.verify(path)
