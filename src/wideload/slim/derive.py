"""What is made of one wheel's files: libraries laid anew, modules compiled; once, then kept.

Both hang on the file's content and a few words (rule, Python, style), so what was made is
noted under these, and a later run needs neither the wheel nor an interpreter.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.slim import bytecode
from wideload.slim.derived import LEVEL, Made, put, recall, remember, undone
from wideload.slim.elf.relay import MAKER as ELF_RULE
from wideload.slim.elf.relay import relay
from wideload.slim.elf.sealed import seal
from wideload.slim.workers import each
from wideload.values.tree import FileEntry, LocalFile, WheelMember

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from wideload.values.target import Target

PAGE = 4096
"""Bytes of a page on Lambda, on both architectures: Amazon Linux builds its kernels so."""

_CHUNK = 6_000_000
"""Bytes of work that are handed to a process at once."""


class Batch(msgspec.Struct, frozen=True):
    """The files of one wheel, or the user's own, that one rule works on."""

    entries: tuple[FileEntry, ...]
    archive: str
    """Path of the wheel; empty for files of the user's own."""
    style: bytecode.Style | None
    """How modules are compiled; none: these are libraries."""
    sealed: tuple[tuple[str, str], ...] = ()
    """Libraries that must stay as they are, and why."""

    @property
    def size(self) -> int:
        """Bytes of work."""
        return sum(entry.size for entry in self.entries)


def is_library(path: str) -> bool:
    """Whether a name is that of a shared library for Linux."""
    name = path.rpartition("/")[2]
    return name.endswith(".so") or ".so." in name


def libraries(entries: Iterable[FileEntry], all_paths: Collection[str]) -> Batch:
    """Of the libraries among these files."""
    chosen = tuple(entry for entry in entries if is_library(entry.path))
    reasons = ((entry.path, seal(entry.path, all_paths)) for entry in chosen)
    return Batch(chosen, "", None, tuple((path, why) for path, why in reasons if why))


def modules(entries: Iterable[FileEntry], paths: Collection[str], style: bytecode.Style) -> Batch:
    """Of the sources among these files that can be imported.

    :param paths: of the whole function, since an extension may lie beside a source.
    """
    wanted = frozenset(paths)
    return Batch(tuple(entry for entry in entries if entry.path in wanted), "", style)


def key_of(batch: Batch, target: Target) -> str:
    """Digest of all that the outcome depends on."""
    rule = ELF_RULE if batch.style is None else bytecode.RULE
    words: list[object] = [rule, LEVEL]
    if batch.style is None:
        words += [PAGE, batch.sealed]
    else:
        words += [target.python_version, batch.style.columns, batch.style.docstrings]
    digest = hashlib.sha256(repr(words).encode())
    for entry in batch.entries:
        match entry.origin:
            case WheelMember(wheel, name):
                digest.update(f"{entry.path}\0{wheel}\0{name}\0".encode())
            case LocalFile(_, sha256):
                digest.update(f"{entry.path}\0{sha256}\0".encode())
            case _:
                raise AssertionError(f"{entry.path} is derived already")
    return digest.hexdigest()


def known(batch: Batch, target: Target, cache: Cache) -> dict[str, Made] | None:
    """What was made of these files before, by path."""
    return {} if not batch.entries else recall(key_of(batch, target), cache)


def derive(
    batches: Sequence[Batch],
    target: Target,
    paths: Mapping[str, Path],
    python: str | None,
    cache: Cache,
    progress: Callable[[int], None] = lambda _: None,
) -> list[dict[str, Made]]:
    """What is made of each batch: recalled, or made now on all processors.

    :param paths: where the wheels lie, by sha256.
    :param python: a CPython of the target's minor version; needed where modules are to be
        compiled that were not before.
    :param progress: told how many bytes of `Batch.size` more are done.
    :raises WideloadError: a wheel is broken inside, or Python does not run.
    """
    outcome: list[dict[str, Made] | None] = [known(batch, target, cache) for batch in batches]
    lacking = [index for index, found in enumerate(outcome) if found is None]
    chunks: list[tuple[int, Batch]] = []
    for index in lacking:
        chunks += [(index, chunk) for chunk in _chunks(batches[index], paths)]
    made: dict[int, list[Made]] = {index: [] for index in lacking}
    chunks.sort(key=lambda one: -one[1].size)  # the longest first: processes end together
    jobs = [(chunk, python, str(cache.root)) for _, chunk in chunks]
    answers = each(_work, jobs, sum(chunk.size for _, chunk in chunks))
    for (index, chunk), results in zip(chunks, answers, strict=True):
        made[index] += results
        progress(chunk.size)
    for index in lacking:
        outcome[index] = remember(key_of(batches[index], target), made[index], cache)
    for index, found in enumerate(outcome):
        if index not in made:
            progress(batches[index].size)
        assert found is not None
    return [found for found in outcome if found is not None]


def _chunks(batch: Batch, paths: Mapping[str, Path]) -> Iterable[Batch]:
    by_archive: dict[str, list[FileEntry]] = {}
    for entry in batch.entries:
        wheel = entry.origin.wheel if isinstance(entry.origin, WheelMember) else ""
        by_archive.setdefault(str(paths[wheel]) if wheel else "", []).append(entry)
    sealed = dict(batch.sealed)
    for archive, entries in by_archive.items():
        pile: list[FileEntry] = []
        for entry in entries:
            pile.append(entry)
            if sum(one.size for one in pile) >= _CHUNK or entry is entries[-1]:
                reasons = tuple((e.path, sealed[e.path]) for e in pile if e.path in sealed)
                yield Batch(tuple(pile), archive, batch.style, reasons)
                pile = []


def _work(job: tuple[Batch, str | None, str]) -> list[Made]:
    """Runs in another process: one chunk, read, made and kept."""
    batch, python, root = job
    cache = Cache(Path(root))
    contents = _read(batch)
    if batch.style is None:
        sealed = dict(batch.sealed)
        return [_relaid(path, data, sealed.get(path, ""), cache) for path, data in contents]
    if python is None:
        raise AssertionError("modules are to be compiled, and no Python was given")
    done = bytecode.compile_all(contents, python, batch.style)
    return [
        put(path, one.data, cache) if one.data else undone(path, one.reason)
        for (path, _), one in zip(contents, done, strict=True)
    ]


def _relaid(path: str, data: bytes, sealed: str, cache: Cache) -> Made:
    if sealed:
        return undone(path, sealed)
    relaid = relay(data, page=PAGE)
    if not relaid.changed:
        return undone(path, relaid.reason)
    return put(path, relaid.data, cache, relaid.reason)


def _read(batch: Batch) -> list[tuple[str, bytes]]:
    if not batch.archive:
        return [(entry.path, _local(entry)) for entry in batch.entries]
    contents = []
    try:
        with zipfile.ZipFile(batch.archive) as archive:
            for entry in batch.entries:
                assert isinstance(entry.origin, WheelMember)
                contents.append((entry.path, archive.read(entry.origin.name)))
    except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError) as error:
        name = Path(batch.archive).name
        raise WideloadError(
            f"corrupt wheel {name}", why=str(error), hint="fetch it again"
        ) from error
    return contents


def _local(entry: FileEntry) -> bytes:
    assert isinstance(entry.origin, LocalFile)
    try:
        data = Path(entry.origin.path).read_bytes()
    except OSError as error:
        raise WideloadError(f"{entry.path} cannot be read", why=str(error)) from error
    if hashlib.sha256(data).hexdigest() != entry.origin.sha256:
        raise WideloadError(
            f"{entry.path} changed while it was being read",
            why="its content is another than when the build began",
            hint="build again",
        )
    return data
