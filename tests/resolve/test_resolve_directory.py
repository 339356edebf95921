"""What is read of a wheel: its members, where they go, what it requires; or one clear refusal."""

from __future__ import annotations

import io
import zipfile
import zlib

import pytest

from wheel_maker import (
    Made,
    members_of,
    wheel,
    with_encryption_flag,
    with_zip64,
)
from wideload.errors import WideloadError
from wideload.resolve.directory import Directory, install_path

FILES: dict[str, bytes | str] = {
    "demo/__init__.py": "X = 1\n" * 50,
    "demo/data.bin": b"\0\1\2\3",
    "demo/empty.py": "",
}


def read(made: Made) -> Directory:
    return Directory(io.BytesIO(made.data), made.filename)


def refusal(made: Made) -> WideloadError:
    with pytest.raises(WideloadError) as caught:
        read(made).metadata()
    assert caught.value.what == f"corrupt wheel {made.filename}"
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(wheel(files=FILES), id="deflated"),
        pytest.param(wheel(files=FILES, stored=True), id="stored"),
        pytest.param(wheel(files=FILES, comment=b"c" * 65535), id="longest comment"),
        pytest.param(wheel(files=FILES, prefix=b"#!/bin/sh\nexit 1\n"), id="prepended bytes"),
        pytest.param(wheel(files=FILES, descriptors=True), id="data descriptors"),
        pytest.param(wheel(files=FILES, zip64_headers=True), id="zip64 local headers"),
        pytest.param(wheel(files=FILES, folders=["demo", "demo/sub"]), id="entries of folders"),
        pytest.param(
            (plain := wheel(files=FILES)).with_data(with_zip64(plain.data)), id="zip64 directory"
        ),
    ],
)
def test_members_are_exact_however_the_zip_is_written(made: Made) -> None:
    content = members_of(made)
    found = {member.name: member for member in read(made).members}
    assert found.keys() == content.keys()
    for name, data in content.items():
        member = found[name]
        assert (member.path, member.size, member.crc32) == (name, len(data), zlib.crc32(data))
        if member.stored:
            assert member.compressed_size == len(data)
        else:
            assert 0 < member.compressed_size <= len(data) + 2


def test_stored_and_deflated_members_are_told_apart() -> None:
    deflated = {one.name: one.stored for one in read(wheel(files=FILES)).members}
    stored = {one.name: one.stored for one in read(wheel(files=FILES, stored=True)).members}
    assert not any(deflated.values())
    assert all(stored.values())


def test_executable_bits_are_kept_and_nothing_else_of_the_mode() -> None:
    made = wheel(files={"demo/run.sh": "#!/bin/sh\n", "demo/a.py": ""}, executables=["demo/run.sh"])
    assert {one.name: one.executable for one in read(made).members}["demo/run.sh"] is True
    assert {one.name: one.executable for one in read(made).members}["demo/a.py"] is False


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("demo/__init__.py", "demo/__init__.py"),
        ("demo-1.0.dist-info/METADATA", "demo-1.0.dist-info/METADATA"),
        ("demo-1.0.data/purelib/demo/a.py", "demo/a.py"),
        ("demo-1.0.data/platlib/demo/b.so", "demo/b.so"),
        ("demo-1.0.data/data/share/doc.txt", "share/doc.txt"),
        ("demo-1.0.data/scripts/demo", "bin/demo"),
        ("demo-1.0.data/headers/demo.h", "include/demo/demo.h"),
        ("not.data", "not.data"),
        ("demo/inner.data/purelib/x", "demo/inner.data/purelib/x"),
    ],
)
def test_data_folders_are_laid_where_an_installer_lays_them(name: str, path: str) -> None:
    assert install_path(name, "demo-1.0-py3-none-any.whl") == path


def test_an_unknown_scheme_is_refused() -> None:
    made = wheel(files={"demo-1.0.data/elsewhere/x": "x"})
    assert "unknown scheme 'elsewhere'" in refusal(made).why


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (wheel(more=[("../evil.py", b"")]), "would land outside: '../evil.py'"),
        (wheel(more=[("/etc/evil", b"")]), "would land outside: '/etc/evil'"),
        (wheel(more=[("a/../../evil", b"")]), "would land outside"),
        (wheel(more=[("demo-1.0.data/scripts/../../evil", b"")]), "would land outside"),
        (wheel(more=[("demo.py", b"again")]), "two members would lie at 'demo.py'"),
        (wheel(method=zipfile.ZIP_BZIP2), "compression method 12"),
        (wheel(method=zipfile.ZIP_LZMA), "compression method 14"),
        (wheel(metadata=False), "no METADATA"),
        ((plain := wheel()).with_data(with_encryption_flag(plain.data)), "encrypted"),
        ((plain := wheel()).with_data(plain.data[:-1]), "not a zip file"),
        ((plain := wheel()).with_data(plain.data[: len(plain.data) // 2]), "not a zip file"),
        # Ambiguous: where the directory ends depends on who reads it.
        (wheel(comment=b"PK\x05\x06 in words"), "not a zip file"),
        ((plain := wheel()).with_data(b""), "not a zip file"),
        ((plain := wheel()).with_data(b"<html>sign in</html>"), "not a zip file"),
    ],
)
def test_what_is_no_wheel_is_refused_with_one_clear_error(made: Made, why: str) -> None:
    assert why in refusal(made).why


def test_two_members_that_would_lie_at_one_place_are_refused() -> None:
    made = wheel(files={"demo/a.py": "1", "demo-1.0.data/purelib/demo/a.py": "2"})
    assert "'demo/a.py'" in refusal(made).why


def test_the_directory_offset_may_not_point_outside() -> None:
    made = wheel()
    changed = bytearray(made.data)
    end = made.data.rindex(b"PK\x05\x06")
    changed[end + 16 : end + 20] = (0xFFFFFF00).to_bytes(4, "little")
    refusal(made.with_data(bytes(changed)))


def test_requires_dist_comes_as_the_wheel_says_it() -> None:
    lines = ("numpy>=1.26", 'colorama; sys_platform == "win32"', 'tqdm ; extra == "bar"')
    made = wheel(requires=lines, extras=["bar"])
    assert read(made).metadata() == lines


def test_metadata_is_that_of_the_wheel_itself_not_of_one_vendored_in_it() -> None:
    made = wheel(
        "my-demo",
        files={
            "a_vendored-2.0.dist-info/METADATA": "Name: vendored\nRequires-Dist: wrong\n",
            "my_demo.py": "",
        },
        requires=["right"],
    )
    assert read(made).metadata() == ("right",)


def test_names_that_are_not_ascii_are_kept() -> None:
    made = wheel(files={"demo/größe_日本.txt": "ü"})
    assert "demo/größe_日本.txt" in {one.path for one in read(made).members}
