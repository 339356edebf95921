"""What Python code says of tests, docs and examples: modules imported, folders looked into."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from wideload.slim.kinds import is_sensitive

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

# Each begins with a literal, which the engine finds fast: these run over all code there is.
_FROM = re.compile(
    rb"from[ \t]+(\.*[ \t]*[\w.]*)[ \t]+import[ \t]*"
    rb"(?:\(([^)]*)\)|([^\n;]*(?:\\\n[^\n;]*)*))"
)
_IMPORT = re.compile(rb"import[ \t]+([\w.][^\n;]*(?:\\\n[^\n;]*)*)")
_NAME = re.compile(rb"[\w.]+")
_COMMENT = re.compile(rb"#[^\n]*")
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
_LOOKS_NEAR = (
    *(b"__file__", b"__path__", b"importlib.resources", b"importlib_resources"),
    *(b"pkg_resources", b"get_data", b"iter_modules", b"getfile"),
)


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


def what_runs(data: bytes) -> bytes:
    """Code without comments of a line of their own, and without examples in docstrings."""
    return _NOT_RUN.sub(b"", b"\n" + data)


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


def mention_of(path: str, data: bytes, quoted: Collection[str]) -> Mention:
    """What a file says, read closely where there is something.

    :param quoted: words in its strings that may be names of files, folders and modules.
    """
    package = tuple(path.split("/")[:-1])
    near = is_sensitive(path.removesuffix(".py")) and any(word in data for word in _LOOKS_NEAR)
    modules, folders = _refers(data, package, quoted)
    if path.startswith(_HARMLESS) or not (modules or folders):
        return Mention(path, near=near)
    # Something is there: look closely, at what is run alone.
    data = what_runs(data)
    modules, folders = _refers(data, package, {text for text in quoted if text.encode() in data})
    if _STARTS_TESTS in data:
        folders = set()  # of the suite that it can start
    return Mention(path, tuple(sorted(modules)), tuple(sorted(folders)), near)
