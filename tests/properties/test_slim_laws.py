"""Laws of slimming: accounted for to the byte, never larger, done once, the same everywhere."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Literal

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slimming_maker import Kitchen
from wideload.values.slimmed import Slimmed, SlimOptions
from wideload.values.tree import FileEntry, FileTree, WheelMember

_LAW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], derandomize=True)

_CODE = [
    "",
    "x = 1\n",
    '"""Doc."""\ndef f():\n    """Doc of f."""\n    assert True\n',
    "def test_it():\n    pass\n",
    "from .tests import common\n",
    "from pkg.sub.tests.common import x\n",
    "import other.tests.test_it\n",
    'open(join(HERE, "tests", "data.txt"))\n',
    'cdef("a.h")\n',
    'name = "*.pyx"\n',
    "here = __file__\n",
    "print 'not this Python'\n",
    "@typechecked\ndef f(): pass\n",
    'run("mod.py")\n',
]
_FOLDERS = ["", "pkg/", "pkg/sub/", "pkg/tests/", "pkg/sub/tests/", "other/", "other/tests/"]
_FOLDERS += ["pkg/docs/", "docs/", "other/{{ name }}/tests/", "pkg-1.0.dist-info/sboms/"]
_MODULES = ["__init__.py", "mod.py", "test_it.py", "common.py", "conftest.py"]
_OTHERS = ["data.txt", "a.h", "b.pyx", "mod.pyi", "lib.so", "mod.pyc", "a.exe", "INSTALLER"]
_OTHERS += ["__pycache__/mod.cpython-313.pyc", "mod.cpython-313-x86_64-linux-gnu.so"]

Files = dict[str, bytes | str]


def _files() -> st.SearchStrategy[Files]:
    modules = st.dictionaries(
        st.builds(str.__add__, st.sampled_from(_FOLDERS), st.sampled_from(_MODULES)),
        st.sampled_from(_CODE),
        max_size=10,
    )
    others = st.dictionaries(
        st.builds(str.__add__, st.sampled_from(_FOLDERS), st.sampled_from(_OTHERS)),
        st.sampled_from([b"", b"MZ\x90", b"\x7fELF", b"text " * 30, bytes(range(256))]),
        max_size=8,
    )
    return st.builds(lambda a, b: {**a, **b}, modules, others)


_OPTIONS = st.builds(
    SlimOptions,
    bytecode=st.sampled_from(["none", "beside", "sourceless", "auto"]),
    docstrings=st.sampled_from(["keep", "strip"]),
    keep=st.sampled_from([(), ("pkg/tests/*",), ("*.h", "*/mod.py"), ("*.pyc",)]),
)


class _Case(msgspec.Struct):
    kitchen: Kitchen
    slimmed: Slimmed

    @property
    def raw(self) -> FileTree:
        return self.kitchen.raw


def _case(root: Path, pkg: Files, other: Files, own: Files, options: SlimOptions) -> _Case:
    kitchen = Kitchen(root, {"pkg": pkg, "other": other}, own)
    return _Case(kitchen, kitchen.slim(options))


def _cost(entry: FileEntry, what: Literal["unzipped", "zipped"]) -> int:
    return entry.size if what == "unzipped" else entry.compressed_size + entry.zip_overhead


def _account(case: _Case) -> None:
    for what in ("unzipped", "zipped"):
        raw = sum(_cost(entry, what) for entry in case.raw)
        saved = sum(
            one.saved_unzipped if what == "unzipped" else one.saved_zipped
            for one in case.slimmed.removals
        )
        spent = sum(
            one.unzipped_bytes if what == "unzipped" else one.zipped_bytes
            for one in case.slimmed.additions
        )
        assert raw - saved + spent == sum(_cost(entry, what) for entry in case.slimmed.tree)


@_LAW
@given(_files(), _files(), _files(), _OPTIONS)
def test_every_byte_and_every_file_is_accounted_for(
    pkg: Files, other: Files, own: Files, options: SlimOptions
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = _case(Path(folder), pkg, other, own, options)
        _account(case)
        before, after = case.raw.by_path, case.slimmed.tree.by_path
        told = {one.path for one in case.slimmed.removals}
        added = {one.path for one in case.slimmed.additions}
        changed = {path for path in before.keys() & after.keys() if before[path] != after[path]}
        # A stale compiled module may go and a fresh one take its place: told as both.
        assert (before.keys() - after.keys()) | changed | (told & added) == told
        assert after.keys() - before.keys() == added - before.keys()
        assert added <= after.keys()
        assert all(one.saved_unzipped >= 0 for one in case.slimmed.removals)
        assert all(one.saved_zipped >= 0 for one in case.slimmed.removals)
        case.kitchen.contents(case.slimmed.tree)


@_LAW
@given(_files(), _files(), _OPTIONS)
def test_never_larger_but_for_what_was_compiled(
    pkg: Files, other: Files, options: SlimOptions
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = _case(Path(folder), pkg, other, {}, options)
        added = {one.path for one in case.slimmed.additions}
        rest = case.slimmed.tree.where(lambda entry: entry.path not in added)
        assert rest.unzipped_bytes <= case.raw.unzipped_bytes
        assert rest.zipped_bytes <= case.raw.zipped_bytes
        if options.bytecode == "none":
            assert not added


@_LAW
@given(_files(), _files(), _files(), _OPTIONS)
def test_the_users_own_files_are_never_touched(
    pkg: Files, other: Files, own: Files, options: SlimOptions
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = _case(Path(folder), pkg, other, own, options)
        assert set(case.kitchen.own) <= set(case.slimmed.tree)


@_LAW
@given(_files(), _files(), _OPTIONS)
def test_twice_is_once(pkg: Files, other: Files, options: SlimOptions) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # What lies under another's file is read as evidence once, and then is not there.
        other = {path: data for path, data in other.items() if path not in pkg}
        if options.bytecode == "sourceless":
            # What a wheel asks of another is read in its sources, and these went.
            other = {}
        first = _case(Path(folder) / "1", pkg, other, {}, options)
        again = Kitchen(Path(folder) / "2", _repacked(first))
        second = again.slim(options)
        assert _shipped(again, second) == _shipped(first.kitchen, first.slimmed)


def _repacked(case: _Case) -> dict[str, Files]:
    """The slimmed files as wheels again."""
    names = {wheel.sha256: wheel.name for wheel in case.kitchen.resolution.wheels}
    owner = {one.path: one.package for one in case.slimmed.additions}
    for entry in case.raw:
        assert isinstance(entry.origin, WheelMember)
        owner.setdefault(entry.path, names[entry.origin.wheel])
    wheels: dict[str, Files] = {name: {} for name in names.values()}
    for path, data in _shipped(case.kitchen, case.slimmed).items():
        wheels[owner[path]][path] = data
    return wheels


def _shipped(kitchen: Kitchen, slimmed: Slimmed) -> dict[str, bytes]:
    """All but what each wheel of a test is given anew."""
    return {
        path: data
        for path, data in kitchen.contents(slimmed.tree).items()
        if not path.endswith((".dist-info/METADATA", ".dist-info/WHEEL", ".dist-info/RECORD"))
    }


@_LAW
@given(_files(), _files(), _files(), _OPTIONS, st.randoms(use_true_random=False))
def test_the_same_everywhere(
    pkg: Files, other: Files, own: Files, options: SlimOptions, shuffled: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = _case(Path(folder) / "1", pkg, other, own, options)
        mixed = list(own.items())
        shuffled.shuffle(mixed)
        second = _case(Path(folder) / "2", pkg, other, dict(mixed), options)
        told = msgspec.structs.replace(first.slimmed, tree=second.slimmed.tree)
        assert told == second.slimmed
        assert first.kitchen.contents(first.slimmed.tree) == second.kitchen.contents(
            second.slimmed.tree
        )
        # And a plan made afterwards says the same, without looking at a wheel.
        assert first.kitchen.plan(options) == first.slimmed
