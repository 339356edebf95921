"""Judges whether an ELF file would load on the target, before anything is uploaded.

Sure failures refuse. What may be meant so is only told: packages ship plugins for
libraries that are not there (CUDA, GL), and binaries for several machines side by side.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Literal, Self

import msgspec

from wideload.slim.elf import reader, runtime_libraries
from wideload.slim.elf.reader import Dynamic, ElfError, NeededVersion
from wideload.values.target import Architecture, Family

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wideload.values.target import Target

_MACHINES = {Architecture.X86_64: reader.EM_X86_64, Architecture.ARM64: reader.EM_AARCH64}
_MACHINE_NAMES = {
    (32, reader.EM_386): "32-bit x86",
    (32, reader.EM_ARM): "32-bit arm",
    (64, reader.EM_X86_64): "x86_64",
    (64, reader.EM_AARCH64): "arm64",
    (64, 21): "ppc64",
    (64, 22): "s390x",
    (64, 243): "riscv64",
    (64, 258): "loongarch64",
}

_LIBRARY = re.compile(r"\.(so(\.[0-9]+)*|node)$")
# importlib.machinery.EXTENSION_SUFFIXES of CPython and PyPy on Linux.
_EXTENSION = re.compile(r"^(?P<module>.+?)\.(?P<tag>(cpython|pypy)[^./]*-linux-[a-z0-9]+)\.so$")
_NAMES_A_SYSTEM = re.compile(
    r"(?<![a-z0-9])(x86[_-]?64|x86|x64|amd64|i[36]86|ia32|aarch64|arm64|arm|armv[0-9]\w*"
    r"|riscv64|ppc64(le)?|s390x|loongarch64|musl\w*|android\w*|alpine|linux32|linux64)(?![a-z0-9])"
)
# auditwheel's and delvewheel's names of bundled libraries: eight digits of a hash.
_BUNDLED = re.compile(r"-[0-9a-f]{8}(\.[0-9]|\.so)")


GLIBC = frozenset(
    {
        *("ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2", "libanl.so.1", "libc.so.6"),
        *("libdl.so.2", "libm.so.6", "libmvec.so.1", "libpthread.so.0", "libresolv.so.2"),
        *("librt.so.1", "libutil.so.1"),
    }
)
"""Names of what is glibc itself, which no layer can bring in another version."""


class Problem(msgspec.Struct, frozen=True, order=True):
    """Something of one file that does not fit the target."""

    path: str
    kind: Literal["damaged", "machine", "python", "libc", "library", "version"]
    refuses: bool
    """Whether it is sure to fail when loaded; otherwise it is to be told, no more."""
    what: str
    """One line, lower case, no full stop."""
    library: str = ""
    """The name of the library that is lacking, or too old."""


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """What of an ELF file hangs on nothing around it."""

    machine: tuple[int, int]
    """Class and machine number; zeros where they cannot be read."""
    dynamic: Dynamic | None = None
    damaged: str = ""
    """Why it cannot be read, where it cannot."""


class Surroundings(msgspec.Struct, frozen=True):
    """What lies around a file that it may be linked with. Make it with :meth:`of`."""

    paths: frozenset[str]
    names: frozenset[str]
    """Of libraries, in whichever folder of the tree."""
    opt: frozenset[str]

    @classmethod
    def of(cls, paths: Iterable[str], opt: Iterable[str] = ()) -> Self:
        """The surroundings of a tree.

        :param paths: of all its files, relative to /var/task, with ``/``.
        :param opt: names of the libraries in /opt/lib that layers of others bring.
        """
        known = frozenset(paths)
        libraries = (path.rpartition("/")[2] for path in known if ".so" in path)
        return cls(known, frozenset(libraries), frozenset(opt))


def check(data: bytes, path: str, target: Target, around: Surroundings) -> tuple[Problem, ...]:
    """What of this file does not fit the target; nothing for what is no ELF file.

    :param path: of the file in the tree, relative to /var/task.
    """
    facts = facts_of(data)
    return () if facts is None else judge(facts, path, target, around)


def is_candidate(path: str, *, executable: bool) -> bool:
    """Whether a file is one that could be loaded or run, by its name and its mode."""
    return executable or bool(_LIBRARY.search(path))


def names_a_system(path: str) -> bool:
    """Whether a path says which of several systems the file is for."""
    return bool(_NAMES_A_SYSTEM.search(path.lower()))


def facts_of(data: bytes) -> Facts | None:
    """What the loader would read of these bytes; nothing where they are no ELF file."""
    if not reader.is_elf(data):
        return None
    machine = (0, 0)
    try:
        machine = reader.machine_of(data)
        if machine not in [(64, number) for number in _MACHINES.values()]:
            return Facts(machine)
        return Facts(machine, reader.parse(_without_sections(data)).dynamic)
    except ElfError as error:
        return Facts(machine, damaged=error.reason)


def _without_sections(data: bytes) -> bytes:
    # No loader looks at the table of sections: be it cut off or odd, the file loads.
    return data[:40] + bytes(8) + data[48:58] + bytes(6) + data[64:]


def judge(facts: Facts, path: str, target: Target, around: Surroundings) -> tuple[Problem, ...]:
    """What of the file with these facts does not fit the target.

    :param path: of the file in the tree, relative to /var/task.
    """
    library = bool(_LIBRARY.search(path))
    extension = _EXTENSION.match(path)
    is_python = target.family is Family.PYTHON
    if extension and is_python and extension["tag"] != _tag(target):
        return _other_extension(path, extension["module"], extension["tag"], target, around)
    if facts.machine != (0, 0) and facts.machine != (64, _MACHINES[target.architecture]):
        return _other_machine(path, facts.machine, target, library)
    if facts.damaged:
        return (Problem(path, "damaged", library, f"a damaged ELF file: {facts.damaged}"),)
    if facts.dynamic is None:
        return ()
    return tuple(_unmet(path, facts.dynamic, target, around, library))


def _tag(target: Target) -> str:
    major, minor = target.python
    return f"cpython-{major}{minor}-{target.architecture.machine}-linux-gnu"


def _other_extension(
    path: str, module: str, tag: str, target: Target, around: Surroundings
) -> tuple[Problem, ...]:
    """An extension module under a name that the target's Python never imports.

    A package with others that do fit carries it for another Python; one with a Python
    module of the same name goes on without it.
    """
    fitting = (f".{_tag(target)}.so", ".abi3.so")
    if any(f"{module}{end}" in around.paths for end in (*fitting, ".so")):
        return ()
    package = path.partition("/")[0] + "/"
    fits = any(other.startswith(package) and other.endswith(fitting) for other in around.paths)
    replaced = any(f"{module}{end}" in around.paths for end in (".py", ".pyc"))
    what = (
        f"an extension module for {tag}, which Python {target.python_version} "
        f"on {target.architecture} does not import"
    )
    return (Problem(path, "python", not (fits or replaced), what),)


def _other_machine(
    path: str, machine: tuple[int, int], target: Target, library: bool
) -> tuple[Problem, ...]:
    name = _MACHINE_NAMES.get(machine)
    if name is None:
        return ()  # For a GPU or the kernel (BPF): data to this machine.
    refuses = library and not names_a_system(path)
    return (Problem(path, "machine", refuses, f"made for {name}, not {target.architecture}"),)


def _unmet(
    path: str, dynamic: Dynamic, target: Target, around: Surroundings, library: bool
) -> list[Problem]:
    found: list[Problem] = []
    runtime = runtime_libraries.names(target)
    bundled = {name for name in dynamic.needed if _beside(path, dynamic, name, around)}
    for name in dynamic.needed:
        if name in bundled or name in runtime or name in around.opt or name in around.names:
            continue
        if name == "libc.so" or name.startswith("libc.musl-"):
            refuses = library and not names_a_system(path)
            found.append(Problem(path, "libc", refuses, f"needs {name}, the musl C library"))
        else:
            refuses = library and bool(_BUNDLED.search(name))
            what = f"needs {name}, which neither the package nor the runtime has"
            found.append(Problem(path, "library", refuses, what, name))
    newest = runtime_libraries.newest(target)
    for need in dynamic.versions:
        if need.weak or need.library in bundled or need.library not in runtime:
            continue
        if not _defined(need, newest):
            # A copy that lies elsewhere in the package may be loaded first.
            refuses = library and need.library not in around.names
            has = f"{target.runtime} has {_ceiling(need, newest)}"
            what = f"needs {need.version} of {need.library}; {has}"
            found.append(Problem(path, "version", refuses, what, need.library))
    return found


def _beside(path: str, dynamic: Dynamic, name: str, around: Surroundings) -> bool:
    """Whether a folder that is searched before the system's has the library."""
    origin = posixpath.dirname(path)
    # The loader does not look at RPATH where there is a RUNPATH.
    for folder in dynamic.runpath or dynamic.rpath:
        place = _in_tree(folder, origin)
        if place is not None and posixpath.join(place, name) in around.paths:
            return True
    return False


def _in_tree(folder: str, origin: str) -> str | None:
    """A folder of a search path relative to the tree's root; None where it leads out of it."""
    absolute = folder.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", f"/var/task/{origin}")
    normal = posixpath.normpath(absolute)
    if normal == "/var/task":
        return ""
    return normal.removeprefix("/var/task/") if normal.startswith("/var/task/") else None


def _split(version: str) -> tuple[str, tuple[int, ...] | None]:
    """The family of a symbol version, and its number where it has one."""
    family, _, number = version.partition("_")
    parts = number.split(".")
    return family, tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None


def _defined(need: NeededVersion, newest: dict[str, tuple[int, ...]]) -> bool:
    family, number = _split(need.version)
    if number is None:
        # Such as GLIBC_ABI_DT_RELR: marks of the loader's abilities, from glibc 2.36 on.
        # GLIBC_PRIVATE is in every glibc, and CXXABI_FLOAT128 in every GCC since 5.
        return not need.version.startswith("GLIBC_ABI_")
    return family not in newest or number <= newest[family]


def _ceiling(need: NeededVersion, newest: dict[str, tuple[int, ...]]) -> str:
    family, _ = _split(need.version)
    return f"{family}_{'.'.join(map(str, newest[family]))}"
