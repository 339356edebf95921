"""What a function runs on: the runtime, its language, its glibc, its architecture."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec
from packaging.tags import Tag, compatible_tags, cpython_tags

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Architecture(enum.StrEnum):
    """The instruction sets that Lambda offers, by Lambda's own names."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @property
    def machine(self) -> str:
        """The name that wheels' platform tags use (``aarch64`` where Lambda says ``arm64``)."""
        return "aarch64" if self is Architecture.ARM64 else self.value

    @property
    def npm_cpu(self) -> str:
        """Node.js's name, as in the ``cpu`` of a package.json."""
        return "arm64" if self is Architecture.ARM64 else "x64"

    @property
    def goarch(self) -> str:
        """Go's name, as in ``GOARCH``."""
        return "arm64" if self is Architecture.ARM64 else "amd64"


class Family(enum.StrEnum):
    """What a runtime runs."""

    PYTHON = "python"
    NODE = "nodejs"
    PROVIDED = "provided"
    """An executable of the user's own, named ``bootstrap``."""


# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html: Python 3.10 and 3.11 and
# provided.al2 run on Amazon Linux 2 (glibc 2.26), Python 3.12 and later, Node.js 20 and later
# and provided.al2023 on Amazon Linux 2023 (glibc 2.34). The names are those of botocore's
# service model (the enum of `Runtime`); of later ones in it the system is not documented yet.
_GLIBC_AL2 = (2, 26)
_GLIBC_AL2023 = (2, 34)
_PYTHON_RUNTIMES: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "python3.10": ((3, 10), _GLIBC_AL2),
    "python3.11": ((3, 11), _GLIBC_AL2),
    "python3.12": ((3, 12), _GLIBC_AL2023),
    "python3.13": ((3, 13), _GLIBC_AL2023),
    "python3.14": ((3, 14), _GLIBC_AL2023),
    "python3.15": ((3, 15), _GLIBC_AL2023),
}
# All of these run on Amazon Linux 2023. Botocore's model (1.44.5) names nodejs26.x too: it is left
# out until it is documented, and the package index has a Node.js 26 to prove functions with.
_NODE_RUNTIMES = {"nodejs20.x": 20, "nodejs22.x": 22, "nodejs24.x": 24}
_PROVIDED_RUNTIMES = {"provided.al2": _GLIBC_AL2, "provided.al2023": _GLIBC_AL2023}
_RUNTIMES = (*_PYTHON_RUNTIMES, *_NODE_RUNTIMES, *_PROVIDED_RUNTIMES)

# The legacy aliases of PEP 600: manylinux2014 is glibc 2.17, 2010 is 2.12, 1 is 2.5.
_LEGACY_MANYLINUX = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}


def _has_no(runtime: str, what: str, others: Iterable[str]) -> WideloadError:
    return WideloadError(
        f"{runtime} has no {what}",
        why=f"{what} is in {', '.join(others)}",
        hint=f"this is for functions in {what} only",
    )


class Target(msgspec.Struct, frozen=True, order=True):
    """A Lambda runtime on an architecture. Make it with :meth:`parse`."""

    runtime: str
    architecture: Architecture

    @classmethod
    def parse(cls, runtime: str, architecture: str) -> Target:
        """The target of these two names.

        :raises WideloadError: the runtime or the architecture is none that is known.
        """
        if runtime not in _RUNTIMES:
            raise WideloadError(
                f"unknown runtime {runtime!r}",
                why=f"known runtimes are {', '.join(_RUNTIMES)}",
                hint='set runtime = "python3.13", say, in the function\'s table',
            )
        try:
            return cls(runtime, Architecture(architecture))
        except ValueError:
            raise WideloadError(
                f"unknown architecture {architecture!r}",
                why=f"Lambda offers {' and '.join(Architecture)}",
                hint='set architecture = "x86_64" or "arm64" in the function\'s table',
            ) from None

    @property
    def family(self) -> Family:
        """What the runtime runs."""
        if self.runtime in _PYTHON_RUNTIMES:
            return Family.PYTHON
        return Family.NODE if self.runtime in _NODE_RUNTIMES else Family.PROVIDED

    @property
    def node(self) -> int:
        """The major version of the runtime's Node.js.

        :raises WideloadError: it is no Node.js runtime.
        """
        if self.runtime not in _NODE_RUNTIMES:
            raise _has_no(self.runtime, "Node.js", _NODE_RUNTIMES)
        return _NODE_RUNTIMES[self.runtime]

    @property
    def python(self) -> tuple[int, int]:
        """The Python of the runtime as (major, minor).

        All that is said here of wheels, tags and markers is for Python runtimes only.

        :raises WideloadError: it is no Python runtime.
        """
        if self.runtime not in _PYTHON_RUNTIMES:
            raise _has_no(self.runtime, "Python", _PYTHON_RUNTIMES)
        return _PYTHON_RUNTIMES[self.runtime][0]

    @property
    def python_version(self) -> str:
        """The Python of the runtime as ``"3.13"``.

        :raises WideloadError: it is no Python runtime.
        """
        major, minor = self.python
        return f"{major}.{minor}"

    @property
    def glibc(self) -> tuple[int, int]:
        """The C library of the runtime: a library for a later one does not load."""
        if self.runtime in _PYTHON_RUNTIMES:
            return _PYTHON_RUNTIMES[self.runtime][1]
        return _PROVIDED_RUNTIMES.get(self.runtime, _GLIBC_AL2023)

    @property
    def uv_platform(self) -> str:
        """uv's name for this system (``uv pip compile --python-platform``).

        uv has no name for glibc 2.26; manylinux2014 (2.17) with the wheels of 2.18 to 2.26
        left out is the nearest that never resolves to a wheel that does not load.
        """
        suffix = "manylinux_2_34" if self.glibc == _GLIBC_AL2023 else "manylinux2014"
        return f"{self.architecture.machine}-{suffix}"

    def platforms(self) -> Iterator[str]:
        """Platform tags that load here, the newest glibc first."""
        machine = self.architecture.machine
        major, newest = self.glibc
        oldest = 17 if self.architecture is Architecture.ARM64 else 5
        for minor in range(newest, oldest - 1, -1):
            yield f"manylinux_{major}_{minor}_{machine}"
            legacy = _LEGACY_MANYLINUX.get((major, minor))
            if legacy:
                yield f"{legacy}_{machine}"
        yield f"linux_{machine}"

    def tags(self) -> tuple[Tag, ...]:
        """Wheel tags that load here, the most specific first, as pip would order them."""
        platforms = list(self.platforms())
        interpreter = f"cp{self.python[0]}{self.python[1]}"
        return (
            *cpython_tags(self.python, platforms=platforms),
            *compatible_tags(self.python, interpreter=interpreter, platforms=platforms),
        )

    def marker_environment(self) -> dict[str, str]:
        """The PEP 508 environment of the runtime, for evaluating markers.

        The patch version is given as ``.0``: Lambda moves it by itself, so a marker that
        hangs on it has no fixed answer.
        """
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python_version}.0",
            "os_name": "posix",
            "platform_machine": self.architecture.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python_version}.0",
            "python_version": self.python_version,
            "sys_platform": "linux",
        }

    @staticmethod
    def known_runtimes() -> tuple[str, ...]:
        """The names of all runtimes that :meth:`parse` takes."""
        return _RUNTIMES
