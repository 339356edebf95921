"""Compiled modules: those that Lambda loads, the same bytes each time."""

from __future__ import annotations

import importlib.util
import marshal
import os
import subprocess
import sys
from pathlib import Path
from types import CodeType

import pytest

from slimming_maker import TAG, Kitchen
from wideload.cache import default_root
from wideload.errors import WideloadError
from wideload.interpreters import find_interpreter
from wideload.slim.bytecode import (
    Compiled,
    Style,
    beside,
    compilable,
    compile_all,
    instead,
)
from wideload.slim.docstrings import needs_docstrings
from wideload.values.slimmed import SlimOptions

FULL = Style(columns=True)
SOURCE = b'''"""Doc of the module."""

def f(a, b=frozenset({"x", "y", "zed", "more"})):
    """Doc of f."""
    assert a, "words of the assertion"
    return a + 1 / b

class Empty:
    """Nothing but a doc."""

async def g():
    "Doc of g."
'''


def code_of(compiled: Compiled) -> CodeType:
    code = marshal.loads(compiled.data[16:])
    assert isinstance(code, CodeType)
    return code


def strings(code: CodeType) -> set[str]:
    found: set[str] = set()
    for const in code.co_consts:
        if isinstance(const, CodeType):
            found |= strings(const)
        elif isinstance(const, str):
            found.add(const)
    return found


def compile_one(source: bytes, style: Style = FULL, path: str = "pkg/mod.py") -> Compiled:
    (compiled,) = compile_all([(path, source)], sys.executable, style)
    return compiled


def test_the_hash_is_there_and_never_checked() -> None:
    data = compile_one(SOURCE).data
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(data[4:8], "little") == 0b01
    assert data[8:16] == importlib.util.source_hash(SOURCE)


def test_file_names_are_those_of_lambda() -> None:
    assert code_of(compile_one(SOURCE)).co_filename == "/var/task/pkg/mod.py"


def test_without_columns_lines_are_still_told() -> None:
    full, lean = compile_one(SOURCE), compile_one(SOURCE, Style(columns=False))
    assert len(lean.data) < len(full.data)
    assert [line[2] for line in code_of(lean).co_lines()] == [
        line[2] for line in code_of(full).co_lines()
    ]


def test_docstrings_go_and_assertions_stay() -> None:
    kept = strings(code_of(compile_one(SOURCE)))
    stripped = strings(code_of(compile_one(SOURCE, Style(columns=True, docstrings="strip"))))
    docs = {"Doc of the module.", "Doc of f.", "Nothing but a doc.", "Doc of g."}
    assert docs <= kept
    assert not docs & stripped
    assert "words of the assertion" in stripped
    space: dict[str, object] = {}
    exec(code_of(compile_one(SOURCE, Style(columns=True, docstrings="strip"))), space)
    assert space.get("__doc__") is None
    assert getattr(space["Empty"], "__doc__", "") is None


@pytest.mark.parametrize(
    ("line", "stay"),
    [
        (b"usage = f.__doc__.strip()", True),
        (b"text = inspect.getdoc(f)", True),
        (b"arguments = docopt.docopt(usage)", True),
        (b"parser = yacc.yacc()", True),
        (b"documented = f(1)", False),
    ],
)
def test_docstrings_stay_where_they_are_spoken_of(line: bytes, stay: bool) -> None:
    source = SOURCE + b"\n\ndef use():\n    " + line + b"\n"
    compiled = compile_one(source, Style(columns=True, docstrings="strip"))
    assert ("Doc of f." in strings(code_of(compiled))) == stay


@pytest.mark.parametrize(
    ("package", "requires", "needed"),
    [
        ("", [], True),
        ("numpy", [], True),
        ("pandas", ["numpy>=1.26", "tzdata"], False),
        ("docopt", [], True),
        ("a-tool", ["Typer[all]>=0.9; python_version > '3'"], True),
        ("a-tool", ["typer-like"], False),
    ],
)
def test_docstrings_stay_in_what_is_known_to_need_them(
    package: str, requires: list[str], needed: bool
) -> None:
    assert needs_docstrings(package, requires) == needed


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"print 'python 2'\n", "SyntaxError"),
        (b"{{ template }} is {% this %}\n", "SyntaxError"),
        (b"x = '\xff'\n", "SyntaxError"),
        (b"a\0b\n", "SyntaxError"),
        (b"x = " + b"(" * 5000 + b")" * 5000, ""),
    ],
)
def test_what_does_not_compile_is_told(source: bytes, reason: str) -> None:
    broken, sound = compile_all([("a.py", source), ("b.py", b"x = 1\n")], sys.executable, FULL)
    assert broken.data == b""
    assert broken.reason.startswith(reason)
    assert sound == compile_one(b"x = 1\n", path="b.py")


def test_a_compiler_that_dies_costs_one_file(tmp_path: Path) -> None:
    python = tmp_path / "python"
    # Ends at the file that says so, after it answered for the ones before.
    python.write_text(
        f"""#!{sys.executable}
import os, subprocess, sys
frames = sys.stdin.buffer.read()
at = frames.find(b"die here")
if at != -1:
    start = frames.rfind(b"/var/task", 0, at) - 4
    frames = frames[:start]
done = subprocess.run([sys.executable, *sys.argv[1:]], input=frames, stdout=subprocess.PIPE)
sys.stdout.buffer.write(done.stdout)
sys.stdout.buffer.flush()
os._exit(0 if at == -1 else 139)
"""
    )
    python.chmod(0o755)
    sources = [("a.py", b"a = 1\n"), ("b.py", b"'die here'\n"), ("c.py", b"c = 1\n")]
    first, second, third = compile_all(sources, str(python), FULL)
    assert first.data
    assert third.data
    assert second == Compiled(b"", "the compiler of python crashed on b.py")


def test_a_python_that_cannot_compile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WideloadError, match="cannot be run"):
        compile_all([("a.py", b"")], str(tmp_path / "none"), FULL)
    with pytest.raises(WideloadError, match="does not compile"):
        compile_all([("a.py", b"")], "/bin/false", FULL)


@pytest.mark.parametrize("style", [FULL, Style(columns=False), Style(True, "strip")])
def test_neither_order_nor_seed_shows(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    import json  # noqa: PLC0415 - of the standard library, for its sources

    folder = Path(json.__file__).parent.parent
    names = ["json/decoder.py", "json/encoder.py", "argparse.py", "typing.py", "ast.py"]
    sources = [(name, (folder / name).read_bytes()) for name in names]
    sources.append(("own.py", SOURCE))
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    once = compile_all(sources, sys.executable, style)
    monkeypatch.setenv("PYTHONHASHSEED", "2")
    again = compile_all(sources[::-1], sys.executable, style)[::-1]
    alone = [compile_all([one], sys.executable, style)[0] for one in sources]
    assert once == again == alone
    assert all(one.data for one in once)


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_what_else_a_process_compiled_does_not_show(version: str) -> None:
    """From 3.12 on the compiler makes equal sets one object, if it met none of their words."""
    words = ("words.py", b"def f(uno, due=2):\n    return uno\n")
    sets = b"".join(b"def f%d():\n    return {'uno', 'due', 'x y'}\n" % each for each in range(3))
    python = find_interpreter(version, default_root()).executable
    (alone,) = compile_all([("sets.py", sets)], python, FULL)
    _, beside_words = compile_all([words, ("sets.py", sets)], python, FULL)
    assert alone.data
    assert alone == beside_words


def test_only_modules_are_compiled() -> None:
    paths = [
        *("a.py", "pkg/b.py", "pkg/c.py", "pkg/c.cpython-313-x86_64-linux-gnu.so", "pkg/not-me.py"),
        *("pkg/d.py", "pkg/d.abi3.so", "{{x}}/e.py", "pkg/f.txt", "pkg/g.py", "pkg/g.so"),
        *("pkg-1.0.dist-info/x.py", "pkg/h.py", "lib/h.so"),
    ]
    assert compilable(paths) == ("a.py", "pkg/b.py", "pkg/h.py")


def test_places() -> None:
    assert beside("a.py", (3, 13)) == "__pycache__/a.cpython-313.pyc"
    assert beside("pkg/a.py", (3, 9)) == "pkg/__pycache__/a.cpython-39.pyc"
    assert instead("pkg/a.py") == "pkg/a.pyc"


def run(code: str, tree: Path) -> str:
    first = f"import sys; sys.path.insert(0, {str(tree)!r})\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-v", "-c", first + code],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + "\n".join(line for line in done.stderr.splitlines() if "mod" in line)


@pytest.mark.parametrize("mode", ["beside", "sourceless"])
def test_the_interpreter_takes_them(tmp_path: Path, mode: str) -> None:
    files = {"pkg/__init__.py": "", "pkg/mod.py": "def f():\n    return 1 / 0\n"}
    kitchen = Kitchen(tmp_path, {"pkg": files})
    options = SlimOptions(bytecode="beside" if mode == "beside" else "sourceless")
    slimmed = kitchen.slim(options)
    tree = kitchen.lay_out(slimmed.tree, tmp_path / "tree")
    compiled = f"pkg/__pycache__/mod.{TAG}.pyc" if mode == "beside" else "pkg/mod.pyc"
    assert ("pkg/mod.py" in slimmed.tree.by_path) == (mode == "beside")
    output = run(
        "import traceback, pkg.mod\ntry: pkg.mod.f()\nexcept ZeroDivisionError: "
        "print(traceback.format_exc())\n",
        tree,
    )
    assert f"code object from '{tree}/{compiled}'" in output or compiled in output
    assert 'mod.py", line 2, in f' in output
    assert ("return 1 / 0" in output) == (mode == "beside")
    # Read-only, as /var/task is: nothing was compiled anew.
    assert sorted(tree.rglob("*.pyc")) == sorted(
        tree / path for path in slimmed.tree.by_path if path.endswith(".pyc")
    )
