"""Scripts without an interpreter, byte-code out of date, binaries of other systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from slimming_maker import Kitchen, gone

PE = b"MZ\x90\x00" + bytes(60)
MACHO = b"\xcf\xfa\xed\xfe" + bytes(60)
ELF = b"\x7fELF" + bytes(60)


def test_scripts_that_only_an_installer_makes_valid_go(tmp_path: Path) -> None:
    scripts = "pkg-1.0.data/scripts"
    files: dict[str, bytes | str] = {
        "pkg.py": "",
        f"{scripts}/run": "#!python\nprint()\n",
        f"{scripts}/shell": "#!/bin/sh\n",
        f"{scripts}/tool": ELF,
        "pkg/bin/inner": "#!python\n",
    }
    assert gone(Kitchen(tmp_path, {"pkg": files}).slim()) == {"bin/run": "scripts/1"}


def test_byte_code_that_is_not_loaded_goes(tmp_path: Path) -> None:
    files = {
        "a.py": "",
        "a.pyc": "old",
        "__pycache__/a.cpython-313.pyc": "old",
        "__pycache__/b.cpython-313.pyc": "old",
        "only.pyc": "all there is",
    }
    found = gone(Kitchen(tmp_path, {"pkg": files}).slim())
    assert found == dict.fromkeys(sorted(files.keys() - {"a.py", "only.pyc"}), "stale-bytecode/1")


@pytest.mark.parametrize(
    ("path", "data", "goes"),
    [
        ("pkg/t64.exe", PE, True),
        ("pkg/native.pyd", PE, True),
        ("pkg/lib.dylib", MACHO, True),
        ("pkg/lib.dll", PE, True),
        ("pkg/UPPER.DLL", PE, True),
        ("pkg/is_text.exe", b"no program", False),
        ("pkg/lib.so", PE, False),
        ("pkg/data.bin", PE, False),
    ],
)
def test_binaries_of_other_systems_go(tmp_path: Path, path: str, data: bytes, goes: bool) -> None:
    found = gone(Kitchen(tmp_path, {"pkg": {"pkg/__init__.py": "", path: data}}).slim())
    assert found == ({path: "foreign/1"} if goes else {})


def test_where_dot_net_runs_its_libraries_stay(tmp_path: Path) -> None:
    assert gone(Kitchen(tmp_path, {"pythonnet": {"pythonnet/Runtime.dll": PE}}).slim()) == {}
    files: dict[str, bytes | str] = {"x/a.dll": PE, "x/a.runtimeconfig.json": "{}"}
    assert gone(Kitchen(tmp_path / "2", {"x": files}).slim()) == {}
