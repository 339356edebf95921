"""What the code of a wheel refers to, read once a wheel: evidence for the rules.

A rule drops a tests folder, a header or a service's data only where no code that ships
asks for it. What code asks for is read here with regular expressions over all its Python
files, whatever version of Python they are for. They find too much rather than too little:
a name in a comment keeps a file that could have gone, never the other way round.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.slim.header_use import opens_headers
from wideload.slim.kinds import FOREIGN_ENDINGS, TEST_FILE, is_module_path, is_sensitive, is_source
from wideload.slim.listing_use import lists_modules
from wideload.slim.mentions import Mention, mention_of
from wideload.slim.sdk_use import SdkUse, sdk_use
from wideload.slim.source_use import reads_own_source, reads_sources
from wideload.slim.wheel_archive import WheelArchive
from wideload.slim.workers import each
from wideload.values.tree import LocalFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from wideload.cache import Cache
    from wideload.values.resolution import Member, Wheel
    from wideload.values.tree import FileTree

VERSION = 16
"""Of what is read: another reading of the same wheel is another version."""

# Quoted words of a path or of a module, f-strings' braces and "%s" among them.
_QUOTED = re.compile(rb"""["']([\w./\\*{}%+-]{2,200})["']""")
_TEST_FUNCTION = re.compile(rb"\n[ \t]*(?:async[ \t]+)?def[ \t]+test_?\w*[ \t]*\(")
_ENTRY_POINT = re.compile(rb"=\s*([\w.]+)")
_ATTACH_STUB = b"attach_stub"


class Survey(msgspec.Struct, frozen=True, array_like=True):
    """What the code of one wheel refers to, and what its odd files are."""

    version: int = VERSION
    mentions: tuple[Mention, ...] = ()
    files: tuple[str, ...] = ()
    """Names of source and Python files, or patterns (``*.h``, ``.h``), in its strings."""
    stubs: tuple[str, ...] = ()
    """Python files that read the stub beside them while they are imported."""
    tests: tuple[str, ...] = ()
    """Files outside of test folders whose name and content are those of test modules."""
    scripts: tuple[str, ...] = ()
    """Files in bin/ whose first line only an installer could make valid."""
    foreign: tuple[str, ...] = ()
    """Programs and libraries of other systems, by their content."""
    sources: tuple[tuple[str, str], ...] = ()
    """Python files that are read as text while they run, and by what."""
    readers: tuple[str, ...] = ()
    """Python files that read the source of functions of others, and must find it."""
    headers: tuple[str, ...] = ()
    """Python files that compose names of headers and speak of a folder ``include``."""
    listing: tuple[str, ...] = ()
    """Python files that look for others by their ending: ``*.py``, ``.py``, ``{name}.py``."""
    sdk: SdkUse = SdkUse()
    compiled: tuple[str, ...] = ()
    """Compiled modules without sources in the same wheel: what they ask for cannot be read."""

    def opaque(self, sources: Collection[str]) -> str:
        """The first compiled module whose source is nowhere, or nothing.

        :param sources: paths of all sources of the function.
        """
        return next((path for path in self.compiled if path[:-1] not in sources), "")


class _Reader:
    """Gathers a survey file by file."""

    def __init__(self, *, own: bool) -> None:
        self._own = own
        self.mentions: list[Mention] = []
        self.files: set[str] = set()
        self.stubs: list[str] = []
        self.tests: list[str] = []
        self.scripts: list[str] = []
        self.foreign: list[str] = []
        self.sources: list[tuple[str, str]] = []
        self.readers: list[str] = []
        self.headers: list[str] = []
        self.listing: list[str] = []
        self.sdk = SdkUse()

    def python(self, path: str, data: bytes) -> None:
        folder, _, name = path.rpartition("/")
        if is_sensitive(folder):
            # Tests and examples themselves: what they import counts once they are needed.
            self.mentions.append(mention_of(path, data, ()))
            self._text(path, data)
            return
        quoted = {text.decode() for text in _QUOTED.findall(data)}
        named = {text.rpartition("/")[2] for text in quoted}
        named = {file for file in named if is_source(file) or file.endswith(".py")}
        mention = mention_of(path, data, quoted)
        if is_sensitive(name.removesuffix(".py")):
            named_here = tuple(sorted(named))
            self.mentions.append(msgspec.structs.replace(mention, files=named_here))
        else:
            self.files |= named
            if mention.modules or mention.folders:
                self.mentions.append(mention)
        if lists_modules(path, data, named):
            self.listing.append(path)
        if opens_headers(path, data, named):
            self.headers.append(path)
        if _ATTACH_STUB in data:
            self.stubs.append(path)
        if TEST_FILE.fullmatch(name) and _TEST_FUNCTION.search(data):
            self.tests.append(path)
        self._text(path, data)
        self.sdk = self.sdk.with_(sdk_use(path, data, own=self._own))

    def _text(self, path: str, data: bytes) -> None:
        """Note what is read as text."""
        what = reads_own_source(data)
        if what:
            self.sources.append((path, what))
        if reads_sources(data):
            self.readers.append(path)

    def entry_points(self, path: str, data: bytes) -> None:
        """What is loaded by name, through ``importlib.metadata``."""
        names = {match.decode() for match in _ENTRY_POINT.findall(data)}
        wanted = tuple(sorted(name for name in names if is_sensitive(name)))
        if wanted:
            self.mentions.append(Mention(path, wanted))

    def finish(self, paths: Iterable[str]) -> Survey:
        """What was gathered.

        :param paths: of all files there are.
        """
        return Survey(
            mentions=tuple(sorted(self.mentions, key=lambda one: one.path)),
            files=tuple(sorted(self.files)),
            stubs=tuple(sorted(self.stubs)),
            tests=tuple(sorted(self.tests)),
            scripts=tuple(sorted(self.scripts)),
            foreign=tuple(sorted(self.foreign)),
            sources=tuple(sorted(self.sources)),
            readers=tuple(sorted(self.readers)),
            headers=tuple(sorted(self.headers)),
            listing=tuple(sorted(self.listing)),
            sdk=self.sdk,
            compiled=_compiled_only(paths),
        )


def _compiled_only(paths: Iterable[str]) -> tuple[str, ...]:
    known = set(paths)
    return tuple(
        sorted(
            path
            for path in known
            if path.endswith(".pyc")
            and is_module_path(path)
            and "__pycache__" not in path
            and path[:-1] not in known
        )
    )


def _is_foreign(data: bytes) -> bool:
    # PE begins as DOS programs do; Mach-O in either byte order and width, or fat.
    return data[:2] == b"MZ" or data[:4] in (
        b"\xcf\xfa\xed\xfe",
        b"\xce\xfa\xed\xfe",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xca\xfe\xba\xbe",
    )


def survey_wheels(
    wheels: Sequence[Wheel], paths: Mapping[str, Path], cache: Cache
) -> dict[str, Survey]:
    """What the code of each wheel refers to, by the wheel's sha256; read once and kept.

    :param paths: where the wheels lie, by sha256.
    :raises WideloadError: a wheel is broken inside.
    """
    found = {wheel.sha256: known_survey(wheel, cache) for wheel in wheels}
    new = [wheel for wheel in wheels if found[wheel.sha256] is None]
    new.sort(key=lambda wheel: -wheel.size)
    jobs = [(wheel, paths[wheel.sha256]) for wheel in new]
    for wheel, survey in zip(new, each(_survey, jobs, sum(one.size for one in new)), strict=True):
        write_atomically(_note(wheel, cache), msgspec.msgpack.encode(survey))
        found[wheel.sha256] = survey
    return {sha256: survey for sha256, survey in found.items() if survey is not None}


def _survey(job: tuple[Wheel, Path]) -> Survey:
    wheel, path = job
    reader = _Reader(own=False)
    with WheelArchive(path, wheel.filename) as archive:
        for member in wheel.members:
            _look(member, archive, reader)
    return reader.finish(member.path for member in wheel.members)


def _look(member: Member, archive: WheelArchive, reader: _Reader) -> None:
    path = member.path
    if path.endswith(".py"):
        if ".dist-info/" not in path:  # no code, whatever it is
            reader.python(path, archive.read(member.name))
    elif path.endswith(".dist-info/entry_points.txt"):
        reader.entry_points(path, archive.read(member.name))
    elif path.startswith("bin/") and path.count("/") == 1:
        if archive.read(member.name).startswith(b"#!python"):
            reader.scripts.append(path)
    elif path.lower().endswith(FOREIGN_ENDINGS) and _is_foreign(archive.read(member.name)):
        reader.foreign.append(path)


def known_survey(wheel: Wheel, cache: Cache) -> Survey | None:
    """The survey of a wheel where it was made before."""
    try:
        survey = msgspec.msgpack.decode(_note(wheel, cache).read_bytes(), type=Survey)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return survey if survey.version == VERSION else None


def _note(wheel: Wheel, cache: Cache) -> Path:
    return cache.path("surveys", wheel.sha256, f".{VERSION}.msgpack")


def survey_own(own: FileTree) -> Survey:
    """What the function's own code refers to.

    :raises WideloadError: a file cannot be read any more.
    """
    reader = _Reader(own=True)
    for entry in own:
        if entry.path.endswith(".py") and isinstance(entry.origin, LocalFile):
            try:
                data = Path(entry.origin.path).read_bytes()
            except OSError as error:
                raise WideloadError(f"{entry.path} cannot be read", why=str(error)) from error
            reader.python(entry.path, data)
    return reader.finish(entry.path for entry in own)
