"""Sources that other code looks for by their ending stay, and only these."""

from __future__ import annotations

from pathlib import Path

import pytest

from slimming_maker import Kitchen
from wideload.values.slimmed import SlimOptions


def stays(tmp_path: Path, code: str, name: str = "pkg") -> bool:
    """Whether a source beside this code stays as text."""
    files = {f"{name}/__init__.py": "", f"{name}/loader.py": code, f"{name}/sub/__init__.py": ""}
    slimmed = Kitchen(tmp_path, {name: files}).slim(SlimOptions(bytecode="sourceless"))
    paths = slimmed.tree.by_path
    assert (f"{name}/sub/__init__.py" in paths) != (f"{name}/sub/__init__.pyc" in paths)
    return f"{name}/sub/__init__.py" in paths


@pytest.mark.parametrize(
    "code",
    [
        'found = [n for n in os.listdir(HERE) if n.endswith(".py")]\n',
        'found = glob.glob(HERE + "/*.py")\n',
        'found = HERE.rglob("*.py")\n',
        'there = os.path.exists(HERE + "/" + name + ".py")\n',
        'there = Path(f"{HERE}/{name}.py").is_file()\n',
        'there = os.path.isfile("%s.py" % name)\n',
        "for _, _, names in os.walk(HERE):\n    fnmatch.filter(names, '*.py')\n",
    ],
)
def test_who_looks_for_sources_finds_them(tmp_path: Path, code: str) -> None:
    assert stays(tmp_path, code)


@pytest.mark.parametrize(
    "code",
    [
        'kind = "python" if name.endswith(".py") else "other"\n',
        'PATTERN = "*.py"\n',
        '# glob.glob("*.py")\nx = os.listdir(HERE)\n',
        'def f():\n    """Docs.\n\n    >>> match("*.py")\n    """\n    return os.listdir(HERE)\n',
    ],
)
def test_who_only_speaks_of_them_does_not(tmp_path: Path, code: str) -> None:
    assert not stays(tmp_path, code)


def test_what_is_known_to_look_elsewhere_is_passed_over(tmp_path: Path) -> None:
    code = 'found = [n for n in os.listdir(folder) if n.endswith(".py")]\n'
    assert not stays(tmp_path / "a", code, "cffi")
    assert stays(tmp_path / "b", code, "cffilike")
