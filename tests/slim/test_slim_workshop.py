"""Where things are made: read and checked on the way, once, and given up when it is left."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from slimming_maker import HERE, Kitchen
from wheel_maker import wheel, with_broken_stream, with_wrong_crc
from wideload.errors import WideloadError
from wideload.slim import derive
from wideload.slim.bytecode import Style
from wideload.slim.contents import Contents
from wideload.slim.workshop import Workshop
from wideload.values.layout import wheel_entries

SOURCES = {f"pkg/m{number}.py": f"x = {number}\n" * (number + 1) for number in range(9)}


def batch_of(kitchen: Kitchen) -> derive.Batch:
    entries = wheel_entries(kitchen.resolution.wheels[0])
    return derive.modules(entries, SOURCES, Style(columns=True))


def test_what_was_begun_is_not_begun_again(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {"pkg": SOURCES})
    batch = batch_of(kitchen)
    told: list[int] = []
    with Workshop(HERE, kitchen.cache, kitchen.paths) as workshop:
        workshop.python = sys.executable
        workshop.begin([batch])
        workshop.begin([batch])
        (made,) = workshop.finish([batch], told.append)
        assert set(made) == set(SOURCES)
        assert sum(told) == batch.size
        (again,) = workshop.finish([batch])
    assert again == made == derive.known(batch, HERE, kitchen.cache)


def test_leaving_it_gives_up_what_was_begun(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {"pkg": SOURCES})
    batch = batch_of(kitchen)
    with Workshop(HERE, kitchen.cache, kitchen.paths) as workshop:
        workshop.python = "/bin/false"
        workshop.begin([batch])
    assert derive.known(batch, HERE, kitchen.cache) is None


def test_a_python_that_fails_is_told(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {"pkg": SOURCES})
    with Workshop(HERE, kitchen.cache, kitchen.paths) as workshop:
        workshop.python = "/bin/false"
        with pytest.raises(WideloadError, match="does not compile"):
            workshop.finish([batch_of(kitchen)])


@pytest.mark.parametrize("stored", [True, False])
def test_contents_are_those_of_the_wheel(tmp_path: Path, stored: bool) -> None:
    files: dict[str, bytes | str] = {"a.py": "a = 1\n" * 99, "empty.py": "", "b.bin": bytes(5000)}
    kitchen = Kitchen(tmp_path, {"pkg": files})
    (one,) = kitchen.resolution.wheels
    made = wheel("pkg", files=files, stored=stored)
    kitchen.paths[one.sha256].write_bytes(made.data)
    with (
        Contents(kitchen.paths, kitchen.cache) as contents,
        zipfile.ZipFile(kitchen.paths[one.sha256]) as archive,
    ):
        for entry in wheel_entries(one):
            if not entry.path.endswith("RECORD"):
                assert contents.read(entry) == archive.read(entry.path)


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("damage", ["stream", "crc", "cut"])
def test_a_damaged_member_is_refused(tmp_path: Path, damage: str, stored: bool) -> None:
    text = "\n".join(str(number * number) for number in range(9000))
    kitchen = Kitchen(tmp_path, {"pkg": {"a.py": text}})
    (one,) = kitchen.resolution.wheels
    data = wheel("pkg", files={"a.py": text}, stored=stored).data
    broken = {
        "stream": with_broken_stream(data, "a.py"),
        "crc": with_wrong_crc(data, "a.py"),
        "cut": data[: len(data) // 2],
    }[damage]
    kitchen.paths[one.sha256].write_bytes(broken)
    entry = next(entry for entry in wheel_entries(one) if entry.path == "a.py")
    with (
        Contents(kitchen.paths, kitchen.cache) as contents,
        pytest.raises(WideloadError, match="corrupt wheel"),
    ):
        contents.read(entry)
