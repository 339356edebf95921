"""What came of each package, kept as JSON so that a run goes on where the last one ended."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal, assert_never

import msgspec

from wideload.cache import write_atomically
from wideload.slim import bytecode
from wideload.values.tree import Derived, LocalFile, WheelMember

if TYPE_CHECKING:
    from pathlib import Path

    from corpus_entries import Entry

    from wideload.values.tree import FileTree

Outcome = Literal["same", "broken"]


class Size(msgspec.Struct, frozen=True):
    """Bytes of a package with all that it requires."""

    unzipped: int
    zipped: int


class Ran(msgspec.Struct, frozen=True):
    """What came of a package on this machine."""

    key: str
    outcome: Outcome
    version: str
    wheels: int
    raw: Size
    sourceless: Size
    beside: Size
    modules: int
    """That import as they do unslimmed."""
    skipped: tuple[str, ...] = ()
    """Modules whose import ends the process, unslimmed too."""
    troubles: tuple[str, ...] = ()
    seconds: float = 0


class Checked(msgspec.Struct, frozen=True):
    """What came of a package for the other architecture, where nothing is run."""

    key: str
    outcome: Outcome
    raw: Size
    slimmed: Size
    """Without compiled modules."""
    libraries: int
    relaid: int
    """Libraries that were laid anew, and are right byte by byte."""
    troubles: tuple[str, ...] = ()


class Result(msgspec.Struct, frozen=True):
    """All that is known of a package."""

    ran: Ran | None = None
    checked: Checked | None = None


def key_of(entry: Entry, *trees: FileTree) -> str:
    """Digest of what is run: of the use, and of the content of all that ships.

    :param trees: as it comes first, as that is where the sources of compiled modules are. How
        a file is packed does not count: another deflate stream of the same content runs alike.
    """
    digest = hashlib.sha256(entry.digest.encode())
    for tree in trees:
        for file in tree:
            match file.origin:
                case WheelMember(wheel, name):
                    content = f"{wheel} {name}"
                case Derived(_, maker) if maker == bytecode.RULE:
                    content = maker  # of the source, which the tree as it comes holds
                case LocalFile(_, sha256) | Derived(sha256):
                    content = sha256
                case _:
                    assert_never(file.origin)
            digest.update(f"{file.path}\0{file.mode:o}\0{content}\0".encode())
        digest.update(b"\0")
    return digest.hexdigest()


class Results:
    """Results by the name of the package, a file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> Result:
        """What is known; nothing where it was never run or is of an older form."""
        try:
            return msgspec.json.decode((self._folder / f"{name}.json").read_bytes(), type=Result)
        except (FileNotFoundError, msgspec.MsgspecError):
            return Result()

    def write(self, name: str, result: Result) -> None:
        """Keep it."""
        data = msgspec.json.format(msgspec.json.encode(result), indent=1)
        write_atomically(self._folder / f"{name}.json", data)
