"""What the code of a wheel refers to, read once a wheel: evidence for the rules.

A rule drops a tests folder, a header or a service's data only where no code that ships
asks for it. What code asks for is read here with regular expressions over all its Python
files, whatever version of Python they are for. They find too much rather than too little:
a name in a comment keeps a file that could have gone, never the other way round.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.slim.header_use import opens_headers
from wideload.slim.kinds import FOREIGN_ENDINGS, TEST_FILE, is_module_path, is_sensitive, is_source
from wideload.slim.sdk_use import SdkUse, sdk_use
from wideload.slim.source_use import reads_sources
from wideload.slim.workers import each
from wideload.values.tree import LocalFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from wideload.cache import Cache
    from wideload.values.resolution import Member, Wheel
    from wideload.values.tree import FileTree

VERSION = 15
"""Of what is read: another reading of the same wheel is another version."""

# Each begins with a literal, which the engine finds fast: these run over all code there is.
_FROM = re.compile(
    rb"from[ \t]+(\.*[ \t]*[\w.]*)[ \t]+import[ \t]*"
    rb"(?:\(([^)]*)\)|([^\n;]*(?:\\\n[^\n;]*)*))"
)
_IMPORT = re.compile(rb"import[ \t]+([\w.][^\n;]*(?:\\\n[^\n;]*)*)")
_NAME = re.compile(rb"[\w.]+")
_COMMENT = re.compile(rb"#[^\n]*")
# Quoted words of a path or of a module, f-strings' braces and "%s" among them.
_QUOTED = re.compile(rb"""["']([\w./\\*{}%+-]{2,200})["']""")
# A bare "tests" is a folder where it is joined to a path or asked of importlib.resources.
_JOINED = re.compile(
    rb"(?:(?:join|joinpath|Path|PurePath|files|path|abspath|realpath|dirname|glob|rglob|listdir"
    rb"|open|read_text|read_binary|open_text|open_binary|get_data|contents|resource_\w+)\s*\("
    rb"""[^\n]*?|/\s*)["'](\w+)["']"""
)
# Examples in docstrings, and comments of a line of their own.
_NOT_RUN = re.compile(rb"\n[ \t]*(?:>>>|\.\.\.[ \t]|#)[^\n]*")
_STARTS_TESTS = b"pytest.main"
_HARMLESS = (
    "pandas/util/_exceptions.py",  # compares paths of stack frames
    "scipy/special/_precompute/",  # scripts that write the tests' data
)
"""Code that speaks of tests without needing them."""
_TEST_FUNCTION = re.compile(rb"\n[ \t]*(?:async[ \t]+)?def[ \t]+test_?\w*[ \t]*\(")
_LOOKS_NEAR = (
    *(b"__file__", b"__path__", b"importlib.resources", b"importlib_resources"),
    *(b"pkg_resources", b"get_data", b"iter_modules", b"getfile"),
)
# Whoever lists a folder, or looks whether a file is there.
_LISTS = re.compile(
    rb"\b(?:listdir|scandir|iterdir|i?glob|rglob|walk|contents|isfile|is_file|l?exists|access)\s*\("
)
_LISTS_OTHERS = (
    *("babel/messages/", "django/core/management/"),  # messages and settings of the user's
    "cffi/",  # looks where it is about to write
    "flask/cli.py",  # the application of the user's
    "jinja2/loaders.py",  # modules that it made of templates
    "werkzeug/_reloader.py",  # starts a server again when a source was edited
)
"""Code that looks for Python files by their ending, but never for those beside it."""
# The option may stand behind signatures with parentheses of their own, or in a dictionary.
_CACHED_BY_NUMBA = re.compile(
    rb"\b(?:\w*jit|(?:gu)?vectorize|cfunc)\b(?s:.{0,2000}?)\bcache[\"']?\s*[=:]\s*True\b"
)
_READS_OWN_SOURCE = (
    (re.compile(rb"\bjit\.(?:script|script_if_tracing|script_method|interface)\b"), "torch.jit"),
    (re.compile(rb"\btriton\.jit\b"), "triton.jit"),
    (re.compile(rb"\btypechecked\b"), "typeguard.typechecked"),
    (_CACHED_BY_NUMBA, "numba's cache beside the source"),
    (re.compile(rb"\bauto_docstring\b"), "auto_docstring, which reads the source"),
    (
        re.compile(rb"\buse_attribute_docstrings\b[\"']?\s*[=:]\s*True"),
        "pydantic, for its docstrings",
    ),
    (re.compile(rb"\bgetsource(?:lines|file)?\s*\(\s*(?:sys\.modules|__)"), "its own source"),
)
_MAY_READ_SOURCE = (
    *(b"jit.s", b"jit.i", b"triton.jit", b"typechecked", b"cache=True", b"cache = True"),
    *(b'cache": True', b"cache': True"),
    *(b"auto_docstring", b"getsource", b"use_attribute_docstrings"),
)
"""One of these stands in whatever the patterns above find."""
_ENTRY_POINT = re.compile(rb"=\s*([\w.]+)")
_ATTACH_STUB = b"attach_stub"


class Mention(msgspec.Struct, frozen=True, array_like=True):
    """What one Python file says of tests, docs and examples."""

    path: str
    modules: tuple[str, ...] = ()
    """Absolute dotted names of which some part is a sensitive one."""
    folders: tuple[str, ...] = ()
    """Names of folders, or paths that hold one, that it joins to a path."""
    near: bool = False
    """Whether it looks for files beside itself."""
    files: tuple[str, ...] = ()
    """As `Survey.files`, where the file is one that may go itself."""


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


def _modules(data: bytes, package: tuple[str, ...]) -> Iterator[str]:
    """Sensitive dotted names that are imported."""
    for match in _FROM.finditer(data):
        base = _absolute(match[1].replace(b" ", b"").decode(), package)
        names = _COMMENT.sub(b"", match[2] if match[2] is not None else match[3])
        if base is None:
            continue
        if is_sensitive(base):
            yield base
        # `import a as b` yields b as well, which harms nobody.
        for name in _NAME.findall(names):
            dotted = f"{base}.{name.decode()}" if base else name.decode()
            if is_sensitive(dotted):
                yield dotted
    for match in _IMPORT.finditer(data):
        for name in _NAME.findall(_COMMENT.sub(b"", match[1])):
            if is_sensitive(name.decode()):
                yield name.decode()


def _absolute(name: str, package: tuple[str, ...]) -> str | None:
    rest = name.lstrip(".")
    level = len(name) - len(rest)
    if not level:
        return rest
    if level - 1 > len(package):
        return None
    return ".".join([*package[: len(package) - level + 1], *([rest] if rest else [])])


def _refers(
    data: bytes, package: tuple[str, ...], quoted: Iterable[str]
) -> tuple[set[str], set[str]]:
    """Modules and folders of tests, docs and examples that code speaks of."""
    modules = set(_modules(data, package))
    folders: set[str] = set()
    for text in quoted:
        if not is_sensitive(text):
            continue
        if "/" in text:
            folders.add("/".join(text.strip("./").split("/")))
        elif text.startswith((".", "{")):
            # Whatever an f-string puts in front of it, the folder is near.
            near = _absolute("." + text.rpartition("}")[2].lstrip("."), package)
            modules |= {near} if near else set()
        elif "." in text:
            modules.add(text.rstrip("."))
        elif not folders & {text}:
            folders |= {text} & {name.decode() for name in _JOINED.findall(data)}
    return modules, folders


def _mention(path: str, data: bytes, quoted: Collection[str]) -> Mention:
    package = tuple(path.split("/")[:-1])
    near = is_sensitive(path.removesuffix(".py")) and any(word in data for word in _LOOKS_NEAR)
    modules, folders = _refers(data, package, quoted)
    if path.startswith(_HARMLESS) or not (modules or folders):
        return Mention(path, near=near)
    # Something is there: look closely, at what is run alone.
    data = _NOT_RUN.sub(b"", b"\n" + data)
    modules, folders = _refers(data, package, {text for text in quoted if text.encode() in data})
    if _STARTS_TESTS in data:
        folders = set()  # of the suite that it can start
    return Mention(path, tuple(sorted(modules)), tuple(sorted(folders)), near)


def _lists(path: str, data: bytes, named: Collection[str]) -> bool:
    """Whether code looks for Python files by their ending.

    :param named: files that it names.
    """
    endings = [name for name in named if name.endswith(".py") and name[0] in ".*{%"]
    if not endings or path.startswith(_LISTS_OTHERS):
        return False
    run = _NOT_RUN.sub(b"", b"\n" + data)
    return bool(_LISTS.search(run)) and any(name.encode() in run for name in endings)


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
            self.mentions.append(_mention(path, data, ()))
            self._text(path, data)
            return
        quoted = {text.decode() for text in _QUOTED.findall(data)}
        named = {text.rpartition("/")[2] for text in quoted}
        named = {file for file in named if is_source(file) or file.endswith(".py")}
        mention = _mention(path, data, quoted)
        if is_sensitive(name.removesuffix(".py")):
            named_here = tuple(sorted(named))
            self.mentions.append(msgspec.structs.replace(mention, files=named_here))
        else:
            self.files |= named
            if mention.modules or mention.folders:
                self.mentions.append(mention)
        if _lists(path, data, named):
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
        if any(word in data for word in _MAY_READ_SOURCE):
            found = (what for pattern, what in _READS_OWN_SOURCE if pattern.search(data))
            what = next(found, "")
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


def _is_foreign(head: bytes) -> bool:
    # PE begins as DOS programs do; Mach-O in either byte order and width, or fat.
    return head[:2] == b"MZ" or head[:4] in (
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
    try:
        with zipfile.ZipFile(path) as archive:
            for member in wheel.members:
                _look(member, archive, reader)
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, NotImplementedError) as error:
        raise WideloadError(f"corrupt wheel {wheel.filename}", why=str(error)) from error
    return reader.finish(member.path for member in wheel.members)


def _look(member: Member, archive: zipfile.ZipFile, reader: _Reader) -> None:
    path = member.path
    if path.endswith(".py"):
        if ".dist-info/" not in path:  # no code, whatever it is
            reader.python(path, archive.read(member.name))
    elif path.endswith(".dist-info/entry_points.txt"):
        reader.entry_points(path, archive.read(member.name))
    elif path.startswith("bin/") and path.count("/") == 1:
        with archive.open(member.name) as file:
            if file.read(8) == b"#!python":
                reader.scripts.append(path)
    elif path.lower().endswith(FOREIGN_ENDINGS):
        with archive.open(member.name) as file:
            if _is_foreign(file.read(4)):
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
