"""A wheel out of a source distribution or a project folder, where it is pure Python."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import sys
import tarfile
import tempfile
import tomllib
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packaging.utils import parse_wheel_filename

from wideload.archive import ZipWriter
from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.resolve import uv
from wideload.resolve.wheels import WHEELS
from wideload.values.packing import pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wideload.cache import Cache
    from wideload.values.target import Target

_NATIVE_SUFFIXES = frozenset(
    (".c", ".cc", ".cpp", ".cxx", ".pyx", ".rs", ".f", ".f90", ".go", ".cu")
)
_NATIVE_BACKENDS = ("maturin", "scikit_build_core", "mesonpy", "setuptools_rust", "pyo3")
_EXTENSIONS = re.compile(rb"ext_modules|rust_extensions|cythonize|cffi_modules")
_NO_PYTHON = re.compile(r"No interpreter found|Failed to inspect Python interpreter")
_BUILT = "built"
_IGNORED = frozenset({".git", "__pycache__", ".venv", "build", "dist", ".tox", ".mypy_cache"})


class _Native(Exception):
    """The reason why a source needs a compiler."""


class _Entry(NamedTuple):
    path: str
    size: int
    crc32: int
    mode: int
    stored: bool


def _judge(name: str, read: bytes | None) -> None:
    if name.endswith("pyproject.toml") and read is not None:
        try:
            backend = str(tomllib.loads(read.decode()).get("build-system", {}).get("build-backend"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError):
            return
        if backend.startswith(_NATIVE_BACKENDS):
            raise _Native(f"its build backend is {backend}")
    if name.endswith(("setup.py", "setup.cfg", "pyproject.toml")) and read is not None:
        found = _EXTENSIONS.search(read)
        if found:
            raise _Native(f"{Path(name).name} declares {found[0].decode()}")


def _files_of_sdist(sdist: Path) -> Iterator[tuple[str, bytes | None]]:
    """Names below the sdist's one folder, with the content of those at its top."""
    if zipfile.is_zipfile(sdist):
        with zipfile.ZipFile(sdist) as archive:
            for name in archive.namelist():
                yield name, archive.read(name) if name.count("/") == 1 else None
    else:
        with tarfile.open(sdist) as tar:
            for entry in tar:
                file = tar.extractfile(entry) if entry.name.count("/") == 1 else None
                yield entry.name, file.read() if file else None


def _inspect(files: Iterable[tuple[str, bytes | None]]) -> None:
    """Raise _Native where a project declares compiled parts at its top."""
    sources: list[str] = []
    for name, content in files:
        _judge(name, content)
        sources.append(name)
    native = [name for name in sources if Path(name).suffix in _NATIVE_SUFFIXES]
    has_rust = any(Path(name).name == "Cargo.toml" for name in sources)
    if has_rust and native:
        raise _Native(f"it has Rust sources ({native[0]})")


def _refused(what: str, why: str, target: Target) -> WideloadError:
    return WideloadError(
        f"{what} has no wheel for {target.runtime} on {target.architecture} and needs a compiler",
        why=why,
        hint="choose a version with a wheel for the target, or build one on Amazon Linux and "
        "name its folder with --find-links",
    )


def _repack(wheel: Path) -> bytes:
    """The same wheel with nothing of when, where and by which version it was built."""
    with zipfile.ZipFile(wheel) as archive:
        files = {
            info.filename: (archive.read(info), bool(info.external_attr >> 16 & 0o111))
            for info in archive.infolist()
            if not info.is_dir()
        }
    record = next(name for name in files if name.endswith(".dist-info/RECORD"))
    about = record.removesuffix("RECORD") + "WHEEL"
    text = re.sub(
        rb"^Generator:.*\n", b"Generator: wideload\n", files[about][0], flags=re.MULTILINE
    )
    files[about] = (text, False)
    del files[record]
    lines = [*sorted(_record_line(name, data) for name, (data, _) in files.items()), f"{record},,"]
    files[record] = ("\n".join(lines).encode() + b"\n", False)
    out = io.BytesIO()
    writer = ZipWriter(out)
    for name, (data, executable) in sorted(files.items()):
        stream, stored = pack(data)
        mode = 0o755 if executable else 0o644
        writer.add(_Entry(name, len(data), zlib.crc32(data), mode, stored), stream)
    writer.finish()
    return out.getvalue()


def _record_line(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}"


def _build(source: Path, what: str, target: Target) -> tuple[str, bytes]:
    """Filename and bytes of the wheel that the source's own backend makes."""
    with tempfile.TemporaryDirectory(prefix="wideload-") as folder:
        out = Path(folder) / "out"
        arguments = ["build", "--wheel", "--out-dir", str(out), "--python", target.python_version]
        done = uv.run([*arguments, str(source)], Path(folder))
        if done.returncode != 0 and _NO_PYTHON.search(done.stderr):
            # A pure wheel is the same whatever Python builds it.
            done = uv.run([*arguments[:-1], sys.executable, str(source)], Path(folder))
        wheels = list(out.glob("*.whl"))
        if done.returncode != 0 or len(wheels) != 1:
            raise WideloadError(
                f"{what} could not be built into a wheel",
                why=done.stderr.strip()[-2000:] or "its build backend made no wheel",
                hint="a compiler is never run: choose a version with a wheel for the target",
            )
        tags = parse_wheel_filename(wheels[0].name)[3]
        if not all(tag.platform == "any" and tag.abi == "none" for tag in tags):
            raise _refused(what, f"what it builds is {wheels[0].name}, for this machine", target)
        return wheels[0].name, _repack(wheels[0])


def _kept(key: str, cache: Cache) -> tuple[str, str] | None:
    """Filename and sha256 of a wheel built before from the same input."""
    try:
        filename, sha256 = cache.path(_BUILT, key, ".txt").read_text().split()
    except (OSError, ValueError):
        return None
    return (filename, sha256) if cache.verified(WHEELS, sha256, ".whl") else None


def _keep(key: str, filename: str, data: bytes, cache: Cache) -> tuple[str, str]:
    sha256 = hashlib.sha256(data).hexdigest()
    write_atomically(cache.path(WHEELS, sha256, ".whl"), data)
    write_atomically(cache.path(_BUILT, key, ".txt"), f"{filename} {sha256}\n".encode())
    return filename, sha256


def wheel_of_sdist(
    sdist: Path, filename: str, sha256: str, what: str, target: Target, cache: Cache
) -> tuple[str, str]:
    """Filename and sha256 of the pure wheel built from an sdist, kept in the cache.

    :param sdist: where it lies, under whatever name.
    :param filename: its own, by whose ending uv knows what it is.
    :raises WideloadError: it needs a compiler, or cannot be built.
    """
    key = hashlib.sha256(f"{sha256} {target.python_version}".encode()).hexdigest()
    kept = _kept(key, cache)
    if kept:
        return kept
    try:
        _inspect(_files_of_sdist(sdist))
    except _Native as reason:
        raise _refused(what, str(reason), target) from None
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise WideloadError(f"corrupt source distribution of {what}", why=str(error)) from error
    with tempfile.TemporaryDirectory(prefix="wideload-") as temporary:
        copy = Path(temporary) / Path(filename).name
        shutil.copy(sdist, copy)
        return _keep(key, *_build(copy, what, target), cache)


def _project_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _IGNORED or path.name.endswith(".egg-info"):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _project_files(path)
        elif path.is_file():
            yield path


def wheel_of_folder(folder: Path, what: str, target: Target, cache: Cache) -> tuple[str, str]:
    """Filename and sha256 of the pure wheel built from a project's folder.

    Built in a copy: backends leave files beside the sources.

    :raises WideloadError: the folder is missing, needs a compiler, or cannot be built.
    """
    if not folder.is_dir():
        raise WideloadError(
            f"the folder of {what} is not there",
            why=str(folder),
            hint="the requirement names a path: is it relative to the requirements file?",
        )
    digest = hashlib.sha256(f"{target.python_version}\0".encode())
    files = list(_project_files(folder))
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    key = digest.hexdigest()
    kept = _kept(key, cache)
    if kept:
        return kept
    try:
        _inspect(
            (
                f"{folder.name}/{path.relative_to(folder).as_posix()}",
                path.read_bytes() if path.parent == folder else None,
            )
            for path in files
        )
    except _Native as reason:
        raise _refused(what, str(reason), target) from None
    with tempfile.TemporaryDirectory(prefix="wideload-") as temporary:
        copy = Path(temporary) / folder.name
        for path in files:
            into = copy / path.relative_to(folder)
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, into)
        return _keep(key, *_build(copy, what, target), cache)
