"""Slimming as a whole: made once, exact or estimated, and told in the ledger."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from slimming_maker import HERE, TAG, Kitchen, gone
from wideload.errors import WideloadError
from wideload.limits import CODE_SIZE_UNZIPPED
from wideload.slim.ahead import SlimAhead
from wideload.slim.slimming import slim, slim_fetched
from wideload.values.slimmed import Slimmed, SlimOptions
from wideload.values.tree import Derived, LocalFile, WheelMember

FILES = {
    "pkg/__init__.py": "from pkg.mod import answer\n",
    "pkg/mod.py": "def answer():\n    return 42\n" + "# filler\n" * 50,
    "pkg/template.py": "{{ this is no Python }}\n",
    "pkg/tests/test_it.py": "def test_it(): pass\n",
    "pkg/data.txt": "some\n",
    "plugins/free.py": "x = 1\n",
}
OWN = {"app.py": "import pkg\n\ndef handler(event, context):\n    return pkg.answer()\n"}


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path, {"pkg": FILES}, OWN)


def test_beside(kitchen: Kitchen) -> None:
    slimmed = kitchen.slim(SlimOptions(bytecode="beside"))
    assert slimmed.bytecode == "beside"
    assert {one.path for one in slimmed.additions} == {
        f"__pycache__/app.{TAG}.pyc",
        f"pkg/__pycache__/__init__.{TAG}.pyc",
        f"pkg/__pycache__/mod.{TAG}.pyc",
        f"plugins/__pycache__/free.{TAG}.pyc",
    }
    assert {one.package for one in slimmed.additions} == {"pkg", ""}
    assert gone(slimmed) == {"pkg/tests/test_it.py": "tests/1"}
    assert any("not compiled: pkg/template.py (SyntaxError)" in note for note in slimmed.notes)


def test_sourceless(kitchen: Kitchen) -> None:
    slimmed = kitchen.slim(SlimOptions(bytecode="sourceless"))
    paths = set(slimmed.tree.by_path)
    assert {"pkg/__init__.pyc", "pkg/mod.pyc", "pkg/template.py"} <= paths
    assert not {"pkg/__init__.py", "pkg/mod.py"} & paths
    # The user's own sources stay, and so does what may be data.
    assert {"app.py", f"__pycache__/app.{TAG}.pyc", "plugins/free.py"} <= paths
    assert gone(slimmed)["pkg/mod.py"] == "bytecode/2"


@pytest.mark.parametrize(
    ("code", "stays"),
    [
        ("@torch.jit.script\ndef f(): pass\n", True),
        ("@triton.jit\ndef f(): pass\n", True),
        ("@typechecked\ndef f(): pass\n", True),
        ("@njit(cache=True)\ndef f(): pass\n", True),
        ("SOURCE = inspect.getsource(sys.modules[__name__])\n", True),
        ("SOURCE = inspect.getsource(function)\n", True),
        ('run("mod.py")\n', True),
        ('find("__init__.py")\n', False),
        ('for path in glob(HERE + "/*.py"): load(path)\n', True),
        ('names = [n for n in listdir(HERE) if n.endswith(".py")]\n', True),
        ("@lru_cache(maxsize=None, cache=True)\ndef f(): pass\n", False),
    ],
)
def test_sources_that_are_read_stay(tmp_path: Path, code: str, stays: bool) -> None:
    kitchen = Kitchen(tmp_path, {"pkg": {"pkg/__init__.py": "", "pkg/mod.py": code}})
    paths = kitchen.slim(SlimOptions(bytecode="sourceless")).tree.by_path
    assert ("pkg/mod.py" in paths) == stays
    assert ("pkg/mod.pyc" in paths) != stays
    whole = any(word in code for word in ("__init__", "glob", "listdir", "(function)"))
    assert ("pkg/__init__.py" in paths) == whole


def test_packages_known_to_read_their_sources_keep_them(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {"torch": {"torch/__init__.py": "x = 1\n"}})
    assert "torch/__init__.py" in kitchen.slim(SlimOptions(bytecode="sourceless")).tree.by_path


def test_auto_keeps_sources_while_they_fit(kitchen: Kitchen) -> None:
    full = kitchen.slim(SlimOptions(bytecode="beside")).tree.unzipped_bytes
    for more, expected in ((-1000, "beside"), (1, "sourceless")):
        taken = CODE_SIZE_UNZIPPED - full + more
        slimmed = kitchen.slim(SlimOptions(layers_bytes=taken))
        assert slimmed.bytecode == expected
    assert kitchen.slim(SlimOptions(layers_bytes=CODE_SIZE_UNZIPPED)).bytecode == "sourceless"


def test_docstrings_go_only_where_asked_and_never_the_users(tmp_path: Path) -> None:
    doc = '"""' + "words " * 100 + '"""\n'
    wheels = {"pkg": {"pkg.py": doc}, "docopt": {"docopt.py": doc}}
    kitchen = Kitchen(tmp_path, wheels, {"app.py": doc})
    kept = kitchen.slim(SlimOptions(bytecode="beside"))
    cut = kitchen.slim(SlimOptions(bytecode="beside", docstrings="strip"))

    def has_words(slimmed: Slimmed, module: str) -> bool:
        entry = slimmed.tree.by_path[f"__pycache__/{module}.{TAG}.pyc"]
        return b"words words" in kitchen.content(entry)

    assert [has_words(kept, name) for name in ("pkg", "docopt", "app")] == [True, True, True]
    assert [has_words(cut, name) for name in ("pkg", "docopt", "app")] == [False, True, True]


def test_without_an_interpreter_it_says_what_that_costs(kitchen: Kitchen) -> None:
    slimmed = slim_fetched(
        kitchen.resolution, kitchen.own, SlimOptions(), kitchen.paths, None, kitchen.cache
    )
    assert slimmed.bytecode == "none"
    assert not slimmed.additions
    (note,) = [note for note in slimmed.notes if "every cold start compiles" in note]
    assert note.startswith(f"no Python {HERE.python_version} on this machine")
    # Not remembered: with an interpreter it is another.
    assert kitchen.slim(SlimOptions()).bytecode == "beside"
    again = slim_fetched(
        kitchen.resolution, kitchen.own, SlimOptions(), kitchen.paths, None, kitchen.cache
    )
    assert again.bytecode == "beside"


def test_a_second_run_needs_neither_wheels_nor_interpreter(kitchen: Kitchen) -> None:
    options = SlimOptions()
    first = kitchen.slim(options)
    for path in kitchen.paths.values():
        path.unlink()
    second = slim_fetched(
        kitchen.resolution, kitchen.own, options, kitchen.paths, "/nowhere", kitchen.cache
    )
    assert first == second == kitchen.plan(options)
    assert first.exact


def test_only_what_is_new_is_made(tmp_path: Path) -> None:
    wheels = {"a": {"a.py": "x = 1\n"}, "b": {"b.py": "y = 1\n"}}
    first = Kitchen(tmp_path, wheels, OWN)
    first.slim(SlimOptions())
    for path in first.paths.values():
        path.unlink()
    # Another file of the user's: the wheels are still as they were.
    second = Kitchen(tmp_path, wheels, {**OWN, "more.py": "z = 1\n"})
    for path in second.paths.values():
        path.unlink()
    slimmed = second.slim(SlimOptions())
    assert f"__pycache__/more.{TAG}.pyc" in slimmed.tree.by_path


@pytest.mark.parametrize("how", ["missing", "cut", "note"])
def test_a_damaged_cache_is_made_good(kitchen: Kitchen, how: str) -> None:
    options = SlimOptions()
    first = kitchen.slim(options)
    streams = [path for path in kitchen.cache.root.glob("derived/*/*") if path.is_file()]
    assert streams
    if how == "note":
        for note in kitchen.cache.root.glob("*/*/*.msgpack"):
            note.write_bytes(b"\xc1")
    for stream in streams:
        if how == "missing":
            stream.unlink()
        elif how == "cut":
            stream.write_bytes(stream.read_bytes()[:-1])
    if how != "note":
        assert not kitchen.plan(options).exact
    again = kitchen.slim(options)
    assert again == first
    kitchen.contents(again.tree)


def test_before_it_was_fetched_it_is_an_estimate(kitchen: Kitchen) -> None:
    planned = kitchen.plan(SlimOptions())
    assert not planned.exact
    assert planned.bytecode == "beside"
    assert gone(planned) == {"pkg/tests/test_it.py": "tests/1"}
    exact = kitchen.slim(SlimOptions())
    assert exact.exact
    assert 0.3 < planned.tree.unzipped_bytes / exact.tree.unzipped_bytes < 3


def test_an_estimate_says_that_it_is_one(kitchen: Kitchen) -> None:
    planned = kitchen.plan(SlimOptions())
    assert any("estimate" in note for note in planned.notes)
    assert not any("estimate" in note for note in kitchen.slim(SlimOptions()).notes)
    assert not any("estimate" in note for note in kitchen.plan(SlimOptions()).notes)


def test_of_known_wheels_a_plan_compiles_the_functions_own(tmp_path: Path) -> None:
    wheels = {"pkg": FILES}
    Kitchen(tmp_path, wheels, OWN).slim(SlimOptions())
    edited = Kitchen(tmp_path, wheels, {"app.py": OWN["app.py"] + "# edited\n"})
    for path in edited.paths.values():
        path.unlink()
    cache = edited.cache
    assert not slim(edited.resolution, edited.own, SlimOptions(), cache).exact
    planned = slim(edited.resolution, edited.own, SlimOptions(), cache, python=sys.executable)
    assert planned.exact
    edited.content(planned.tree.by_path[f"__pycache__/app.{TAG}.pyc"])
    assert planned == slim(edited.resolution, edited.own, SlimOptions(), cache)


def test_what_was_begun_ahead_is_what_is_made_anyway(tmp_path: Path) -> None:
    first = Kitchen(tmp_path / "1", {"pkg": FILES}, OWN)
    second = Kitchen(tmp_path / "2", {"pkg": FILES}, OWN)
    options = SlimOptions(bytecode="sourceless")
    with SlimAhead(second.resolution.target, second.cache) as ahead:
        for wheel in second.resolution.wheels:
            ahead.arrived(wheel, second.paths[wheel.sha256])
            ahead.arrived(wheel, second.paths[wheel.sha256])
        slimmed = slim_fetched(
            second.resolution,
            second.own,
            options,
            second.paths,
            sys.executable,
            second.cache,
            ahead=ahead,
        )
    assert second.contents(slimmed.tree) == first.contents(first.slim(options).tree)


def test_a_wheel_that_is_broken_ahead_is_told_when_it_is_needed(kitchen: Kitchen) -> None:
    for path in kitchen.paths.values():
        path.write_bytes(path.read_bytes()[:200])
    with SlimAhead(kitchen.resolution.target, kitchen.cache) as ahead:
        for wheel in kitchen.resolution.wheels:
            ahead.arrived(wheel, kitchen.paths[wheel.sha256])
        with pytest.raises(WideloadError, match=r"corrupt wheel pkg-1\.0"):
            slim_fetched(
                kitchen.resolution,
                kitchen.own,
                SlimOptions(),
                kitchen.paths,
                sys.executable,
                kitchen.cache,
                ahead=ahead,
            )


def test_with_no_rules_nothing_is_touched(kitchen: Kitchen) -> None:
    for slimmed in (
        kitchen.slim(SlimOptions(rules="none")),
        slim(kitchen.resolution, kitchen.own, SlimOptions(rules="none"), kitchen.cache),
    ):
        assert slimmed.tree == kitchen.raw
        assert not slimmed.removals
        assert slimmed.bytecode == "none"


def test_the_user_may_keep_what_rules_would_take(tmp_path: Path) -> None:
    files = {**FILES, "pkg/a.pyi": "", "pkg/b.pyi": ""}
    kitchen = Kitchen(tmp_path, {"pkg": files})
    slimmed = kitchen.slim(SlimOptions(bytecode="sourceless", keep=("pkg/tests/*", "*/a.pyi",
                                                                    "pkg/mod.py")))  # fmt: skip
    assert {"pkg/tests/test_it.py", "pkg/a.pyi", "pkg/mod.py"} <= set(slimmed.tree.by_path)
    assert {"pkg/b.pyi", "pkg/__init__.py"} <= set(gone(slimmed))


def test_where_two_have_a_file_the_one_that_ships_is_compiled(tmp_path: Path) -> None:
    wheels = {"a": {"shared.py": "x = 'of a'\n"}, "b": {"shared.py": "x = 'of b'\n"}}
    kitchen = Kitchen(tmp_path, wheels)
    slimmed = kitchen.slim(SlimOptions(bytecode="beside"))
    compiled = kitchen.content(slimmed.tree.by_path[f"__pycache__/shared.{TAG}.pyc"])
    assert b"of b" in compiled
    mine = Kitchen(tmp_path / "2", wheels, {"shared.py": "x = 'mine'\n"})
    slimmed = mine.slim(SlimOptions(bytecode="sourceless"))
    assert isinstance(slimmed.tree.by_path["shared.py"].origin, LocalFile)
    assert b"mine" in mine.content(slimmed.tree.by_path[f"__pycache__/shared.{TAG}.pyc"])
    assert "shared.pyc" not in slimmed.tree.by_path


@pytest.mark.parametrize("mode", ["none", "beside", "sourceless"])
def test_record_lists_what_ships(tmp_path: Path, mode: str) -> None:
    options = {
        "none": SlimOptions(bytecode="none"),
        "beside": SlimOptions(bytecode="beside"),
        "sourceless": SlimOptions(bytecode="sourceless"),
    }[mode]
    files = {**FILES, "pkg/odd, name.txt": "x"}
    kitchen = Kitchen(tmp_path, {"pkg": files})
    slimmed = kitchen.slim(options)
    tree = kitchen.lay_out(slimmed.tree, tmp_path / "tree")
    found = importlib.metadata.PathDistribution(tree / "pkg-1.0.dist-info")
    listed = {str(path) for path in found.files or ()}
    shipped = set(slimmed.tree.by_path)
    assert listed == {path for path in shipped if "__pycache__" not in path}
    assert "pkg/odd, name.txt" in listed
    assert found.version == "1.0"


def test_libraries_are_left_alone_with_the_reason(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {"pkg": {"pkg/a.so": b"no library", "pkg/b.so.1": b"\x7fELF"}})
    slimmed = kitchen.slim()
    assert isinstance(slimmed.tree.by_path["pkg/a.so"].origin, WheelMember)
    assert any("pkg/a.so" in note for note in slimmed.notes)
    assert any("pkg/b.so.1" in note for note in slimmed.notes)


def test_what_is_made_says_by_which_rule(kitchen: Kitchen) -> None:
    made = [
        entry.origin
        for entry in kitchen.slim(SlimOptions()).tree
        if isinstance(entry.origin, Derived)
    ]
    assert {origin.maker for origin in made} == {"bytecode/2", "record/1"}


def test_a_file_that_changes_meanwhile_stops_it(kitchen: Kitchen) -> None:
    (entry,) = kitchen.own.entries
    assert isinstance(entry.origin, LocalFile)
    Path(entry.origin.path).write_text("changed = 1\n")
    with pytest.raises(WideloadError, match=r"app\.py changed"):
        kitchen.slim(SlimOptions())


def test_a_broken_wheel_stops_it(kitchen: Kitchen) -> None:
    for path in kitchen.paths.values():
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(WideloadError, match=r"corrupt wheel pkg-1\.0"):
        kitchen.slim(SlimOptions())


def test_many_files_are_spread_over_processors(tmp_path: Path) -> None:
    body = "x = [" + "1, " * 40_000 + "]\n"
    files = {f"pkg/m{number}.py": body + f"n = {number}\n" for number in range(24)}
    kitchen = Kitchen(tmp_path, {"pkg": {"pkg/__init__.py": "", **files}})
    seen: list[int] = []
    slimmed = slim_fetched(
        kitchen.resolution,
        kitchen.own,
        SlimOptions(),
        kitchen.paths,
        sys.executable,
        kitchen.cache,
        seen.append,
    )
    assert len(slimmed.additions) == 25
    assert sum(seen) == sum(len(text) for text in files.values())
    kitchen.contents(slimmed.tree)
