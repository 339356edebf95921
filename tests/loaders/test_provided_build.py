"""The executables that ship are those that their source makes."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

import wideload
from wideload.build.bundle.provided import loader_path
from wideload.values.target import Architecture, Target

ROOT = Path(wideload.__file__).parents[2]
# Of ELF's header: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
MACHINES = {Architecture.X86_64: 62, Architecture.ARM64: 183}
PT_INTERP = 3


@pytest.mark.parametrize("architecture", list(Architecture))
@pytest.mark.parametrize("runtime", ["provided.al2", "provided.al2023"])
def test_it_is_a_static_executable_of_that_architecture(
    runtime: str, architecture: Architecture
) -> None:
    path = loader_path(Target.parse(runtime, architecture))
    data = path.read_bytes()
    assert path.stat().st_mode & 0o111
    assert data[:6] == b"\x7fELF\x02\x01"
    (machine,) = struct.unpack_from("<H", data, 18)
    assert machine == MACHINES[architecture]
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    kinds = {struct.unpack_from("<I", data, start + at * size)[0] for at in range(count)}
    assert PT_INTERP not in kinds


@pytest.mark.heavy
@pytest.mark.network
def test_its_source_makes_it_again_byte_for_byte(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "make-loader", tmp_path], check=True)
    for architecture in Architecture:
        shipped = loader_path(Target.parse("provided.al2023", architecture))
        assert (tmp_path / shipped.name).read_bytes() == shipped.read_bytes()
