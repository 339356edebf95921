"""What dropping the unloaded parts of shared libraries saves, and what it breaks.

Installs wheels for the interpreter that runs this, then lays side by side: the wheels as
they are, ours, GNU strip and llvm-strip. For each package: bytes of its libraries saved,
and whether it still imports. ``python bench/elf.py [PACKAGE …]``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from uv import find_uv_bin

from wideload.slim.elf.reader import is_elf
from wideload.slim.elf.relay import relay

if TYPE_CHECKING:
    from collections.abc import Callable

# Distribution → what to import of it.
PACKAGES = {
    "cryptography": "cryptography.fernet",
    "h5py": "h5py",
    "lxml": "lxml.etree",
    "numpy": "numpy.linalg",
    "opencv-python-headless": "cv2",
    "pandas": "pandas",
    "pillow": "PIL._imaging",
    "psycopg2-binary": "psycopg2",
    "pyarrow": "pyarrow.parquet",
    "scikit-learn": "sklearn.svm",
    "scipy": "scipy.linalg",
    "shapely": "shapely",
}


def _libraries(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.so*")) if is_elf(path.open("rb").read(4))]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _libraries(folder))


def _ours(folder: Path, page: int | None) -> None:
    for path in _libraries(folder):
        path.write_bytes(relay(path.read_bytes(), page=page).data)


def _strip(folder: Path, command: str) -> None:
    for path in _libraries(folder):
        subprocess.run([command, "--strip-unneeded", path], capture_output=True, check=False)


def _imports(folder: Path, module: str) -> bool:
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import {module}"
    run = subprocess.run([sys.executable, "-B", "-I", "-c", code], capture_output=True, check=False)
    return run.returncode == 0


def _cell(raw: int, folder: Path, module: str) -> str:
    return f"{raw - _size(folder):,} {'yes' if _imports(folder, module) else 'NO'}"


def main() -> None:
    chosen = sys.argv[1:] or list(PACKAGES)
    ways: dict[str, Callable[[Path], None]] = {
        "ours": lambda folder: _ours(folder, None),
        "ours, 4 KiB pages": lambda folder: _ours(folder, 0x1000),
        "GNU strip": lambda folder: _strip(folder, "strip"),
        "llvm-strip": lambda folder: _strip(folder, "llvm-strip"),
    }
    missing = [name for name in ("strip", "llvm-strip") if shutil.which(name) is None]
    if missing:
        sys.exit(f"not found: {', '.join(missing)} (apt-get install binutils llvm)")
    table = Table("package", "libraries, bytes", *(f"{way}: saved, imports" for way in ways))
    seconds = dict.fromkeys(ways, 0.0)
    for package in chosen:
        with tempfile.TemporaryDirectory() as name:
            raw = Path(name) / "raw"
            subprocess.run(
                [
                    *(find_uv_bin(), "pip", "install", "--quiet", "--only-binary", ":all:"),
                    *("--python", sys.executable, "--target", raw, package),
                ],
                check=True,
            )
            cells = []
            for number, (way, work) in enumerate(ways.items()):
                folder = Path(name) / str(number)
                shutil.copytree(raw, folder)
                started = time.perf_counter()
                work(folder)
                seconds[way] += time.perf_counter() - started
                cells.append(_cell(_size(raw), folder, PACKAGES.get(package, package)))
                shutil.rmtree(folder)
            table.add_row(package, f"{_size(raw):,}", *cells)
    table.add_section()
    table.add_row("seconds", "", *(f"{value:.1f}" for value in seconds.values()))
    Console(width=180).print(table)


if __name__ == "__main__":
    main()
