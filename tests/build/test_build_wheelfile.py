"""Wheels as sources of streams: what is packed is checked, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from slimming_maker import Kitchen
from wheel_maker import with_broken_stream
from wideload.build.wheelfile import WheelFile
from wideload.errors import WideloadError

TEXT = "\n".join(str(number * number) for number in range(9000))


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    """A wheel of which one member does not inflate."""
    made = Kitchen(tmp_path, {"pkg": {"good.py": TEXT, "also.py": "a = 1\n", "broken.py": TEXT}})
    (path,) = made.paths.values()
    path.write_bytes(with_broken_stream(path.read_bytes(), "broken.py"))
    return made


def test_only_what_is_asked_for_is_checked(kitchen: Kitchen) -> None:
    (wheel,), (path,) = kitchen.resolution.wheels, kitchen.paths.values()
    with WheelFile(path, wheel, kitchen.cache) as file:
        file.check(["good.py", "also.py"])
        assert file.sha256("good.py") != file.sha256("also.py")
        with pytest.raises(WideloadError, match="corrupt wheel") as caught:
            file.check(["good.py", "broken.py"])
    assert "broken.py" in caught.value.why


@pytest.mark.parametrize("ask", ["stream", "sha256"])
def test_nothing_is_given_unchecked(kitchen: Kitchen, ask: str) -> None:
    (wheel,), (path,) = kitchen.resolution.wheels, kitchen.paths.values()
    with WheelFile(path, wheel, kitchen.cache) as file, pytest.raises(WideloadError):
        file.stream("broken.py") if ask == "stream" else file.sha256("broken.py")


def test_what_was_checked_is_remembered_and_the_rest_is_not(kitchen: Kitchen) -> None:
    (wheel,), (path,) = kitchen.resolution.wheels, kitchen.paths.values()
    with WheelFile(path, wheel, kitchen.cache) as file:
        digest = file.sha256("good.py")
    path.write_bytes(bytes(path.stat().st_size))
    with WheelFile(path, wheel, kitchen.cache) as file:
        assert file.sha256("good.py") == digest
        with pytest.raises(WideloadError):
            file.sha256("also.py")
