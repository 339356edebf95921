"""A line of the function's own code changed: what all the rules come to, without asking them."""

from __future__ import annotations

import hashlib
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import pytest

from slimming_maker import Kitchen
from wideload.cache import Cache
from wideload.limits import CODE_SIZE_UNZIPPED
from wideload.slim import edited, sift
from wideload.slim.slimming import slim
from wideload.slim.survey import survey_own
from wideload.values.packing import pack
from wideload.values.slimmed import Slimmed, SlimOptions
from wideload.values.tree import FileTree, LocalFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.slim.survey import Survey

FILES = {
    "pkg/__init__.py": "from pkg.mod import answer\n",
    "pkg/mod.py": "def answer():\n    return 42\n" + "# filler\n" * 50,
    "pkg/tests/test_it.py": "def test_it(): pass\n",
}
APP = "import pkg\n\ndef handler(event, context):\n    return pkg.answer()\n"
OWN = {"app.py": APP, "lib/more.py": "x = 1\n", "data.txt": "some\n"}
MODES: list[Literal["beside", "sourceless", "none", "auto"]] = [
    "beside",
    "sourceless",
    "none",
    "auto",
]


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path, {"pkg": FILES}, OWN)


def edit(kitchen: Kitchen, changed: Mapping[str, str]) -> None:
    """Write files of the user's anew."""
    entries = []
    for entry in kitchen.own:
        assert isinstance(entry.origin, LocalFile)
        if entry.path in changed:
            data = changed[entry.path].encode()
            Path(entry.origin.path).write_bytes(data)
            stream, stored = pack(data)
            entry = msgspec.structs.replace(  # noqa: PLW2901
                entry,
                size=len(data),
                compressed_size=len(stream),
                stored=stored,
                crc32=zlib.crc32(data),
                origin=LocalFile(entry.origin.path, hashlib.sha256(data).hexdigest()),
            )
        entries.append(entry)
    kitchen.own = FileTree.of(entries)


def anew(kitchen: Kitchen, options: SlimOptions, tmp_path: Path) -> Slimmed:
    """With an empty cache."""
    warm, kitchen.cache = kitchen.cache, Cache(tmp_path / "empty")
    try:
        slimmed: Slimmed = kitchen.slim(options)
        return slimmed
    finally:
        kitchen.cache = warm


def without_rules(
    kitchen: Kitchen, options: SlimOptions, python: str | None, monkeypatch: pytest.MonkeyPatch
) -> Slimmed | None:
    """Nothing where rules were asked after all."""

    def asked(*_: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(sift, "_asked", asked)
        try:
            return slim(kitchen.resolution, kitchen.own, options, kitchen.cache, python=python)
        except InterruptedError:
            return None


@pytest.mark.parametrize("mode", MODES)
def test_it_is_what_the_rules_come_to(
    kitchen: Kitchen,
    tmp_path: Path,
    mode: Literal["beside", "sourceless", "none", "auto"],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = SlimOptions(bytecode=mode)
    kitchen.slim(options)
    edit(kitchen, {"app.py": APP + "# a line more\nANSWER = 1\n", "data.txt": "other\n"})
    found = without_rules(kitchen, options, sys.executable, monkeypatch)
    assert found == anew(kitchen, options, tmp_path)
    # And the next one after it.
    edit(kitchen, {"lib/more.py": "x = 2\n"})
    found = without_rules(kitchen, options, sys.executable, monkeypatch)
    assert found == anew(kitchen, options, tmp_path / "again")
    assert kitchen.contents(found.tree)["lib/more.py"] == b"x = 2\n"


@pytest.mark.parametrize(
    "changed",
    [
        {"app.py": "import pkg.tests.test_it\n" + APP},
        {"app.py": APP + "name = 'pkg/mod.py'\n"},
        {"app.py": "def broken(:\n"},
    ],
)
def test_what_rules_look_at_is_for_them(
    kitchen: Kitchen,
    tmp_path: Path,
    changed: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = SlimOptions(bytecode="sourceless")
    kitchen.slim(options)
    edit(kitchen, changed)
    assert without_rules(kitchen, options, sys.executable, monkeypatch) is None
    assert kitchen.slim(options) == anew(kitchen, options, tmp_path)


def test_a_module_that_compiles_again_is_for_the_rules(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SlimOptions(bytecode="beside")
    edit(kitchen, {"lib/more.py": "def broken(:\n"})
    kitchen.slim(options)
    edit(kitchen, {"lib/more.py": "def mended(): pass\n"})
    assert without_rules(kitchen, options, sys.executable, monkeypatch) is None
    assert kitchen.slim(options) == anew(kitchen, options, tmp_path)


def test_without_an_interpreter_nothing_is_guessed(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SlimOptions(bytecode="beside")
    kitchen.slim(options)
    edit(kitchen, {"lib/more.py": "x = 3\n"})
    assert without_rules(kitchen, options, None, monkeypatch) is None


def test_other_options_are_another_outcome(kitchen: Kitchen) -> None:
    def key(options: SlimOptions, survey: Survey) -> str:
        return edited.key_of(kitchen.resolution, kitchen.own, survey, options)

    survey = survey_own(kitchen.own)
    keys = {
        key(SlimOptions(), survey),
        key(SlimOptions(bytecode="none"), survey),
        key(SlimOptions(keep=("a",)), survey),
        key(SlimOptions(), msgspec.structs.replace(survey, files=("x.h",))),
    }
    assert len(keys) == 4


def test_auto_is_decided_again_where_it_may_come_out_otherwise(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layer takes almost all of the quota; then a few bytes make the difference."""
    first = kitchen.slim(SlimOptions(bytecode="beside"))
    records = sum(one.saved_unzipped for one in first.removals if one.path.endswith("RECORD"))
    size = first.tree.unzipped_bytes + records
    options = SlimOptions(layers_bytes=CODE_SIZE_UNZIPPED - size - 10)
    assert kitchen.slim(options).bytecode == "beside"
    edit(kitchen, {"data.txt": "x" * 200})
    assert without_rules(kitchen, options, sys.executable, monkeypatch) is None
    assert kitchen.slim(options).bytecode == "sourceless"
    edit(kitchen, {"data.txt": ""})
    assert without_rules(kitchen, options, sys.executable, monkeypatch) is None
    assert kitchen.slim(options) == anew(kitchen, options, tmp_path)
    assert kitchen.slim(options).bytecode == "beside"
