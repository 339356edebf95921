"""The outcome of before where nothing but lines of the function's own code changed.

What the rules do to the packages hangs on what the function's code refers to and on the names
of its files, not on every line of it. Where these are as they were, the packages' part of an
earlier outcome stands, and only the function's own files are put in anew.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.limits import CODE_SIZE_UNZIPPED
from wideload.slim import bytecode, derive, ledger, record, remembered
from wideload.slim.bytecode import Style
from wideload.values.tree import FileTree, LocalFile, WheelMember

if TYPE_CHECKING:
    from wideload.cache import Cache
    from wideload.slim.makers import Maker
    from wideload.slim.survey import Survey
    from wideload.values.resolution import Resolution
    from wideload.values.slimmed import Slimmed, SlimOptions
    from wideload.values.tree import FileEntry

_KIND = "slimmed-edits"


def key_of(resolution: Resolution, own: FileTree, survey: Survey, options: SlimOptions) -> str:
    """Digest of all that the packages' part of the outcome depends on, but for sizes.

    :param survey: of the function's own files.
    """
    settled = msgspec.structs.replace(resolution, downloaded_bytes=0)
    digest = hashlib.sha256(remembered.rules_digest())
    paths = [(entry.path, entry.mode) for entry in own]
    digest.update(msgspec.msgpack.encode((settled, paths, survey, options), order="sorted"))
    return digest.hexdigest()


def remember(key: str, outcome: str, cache: Cache) -> None:
    """Keep which outcome it was.

    :param outcome: its key among the whole outcomes.
    """
    write_atomically(cache.path(_KIND, key), outcome.encode())


def recall(
    key: str, own: FileTree, options: SlimOptions, maker: Maker, cache: Cache
) -> Slimmed | None:
    """The earlier outcome with the function's own files of now, if it is the one that all the
    rules would come to.

    :param maker: compiles the function's own modules.
    """
    try:
        outcome = cache.path(_KIND, key).read_text()
    except FileNotFoundError:
        return None
    before = remembered.recall(outcome, cache)
    if before is None or any(not one.package for one in before.removals):
        return None
    compiled = _compiled(before, own, maker)
    if compiled is None or not maker.exact:
        return None
    entries = {**before.tree.by_path, **own.by_path, **compiled}
    tree = FileTree(tuple(sorted(entries.values(), key=lambda entry: entry.path)))
    if options.bytecode == "auto" and not _same_style(before, tree, options):
        return None
    additions = tuple(
        one if one.package else ledger.added(compiled[one.path], one.rule, one.reason, "")
        for one in before.additions
    )
    return msgspec.structs.replace(before, tree=tree, additions=additions)


def _compiled(before: Slimmed, own: FileTree, maker: Maker) -> dict[str, FileEntry] | None:
    """The function's own modules compiled; nothing unless they are those of before, all of which
    could be."""
    there = {one.path for one in before.additions if not one.package}
    if before.bytecode == "none":
        return None if there else {}
    wanted = {
        path
        for path in bytecode.compilable(before.tree.by_path)
        if isinstance(before.tree.by_path[path].origin, LocalFile)
    }
    style = Style(before.bytecode == "beside", "keep")
    (made,) = maker.make([derive.modules(own, wanted, style)])
    if not all(file.done for file in made.values()):
        return None
    places = {bytecode.beside(path, maker.target.python): file for path, file in made.items()}
    if places.keys() != there:
        return None
    return {path: file.entry(path, 0o644, bytecode.RULE) for path, file in places.items()}


def _same_style(before: Slimmed, tree: FileTree, options: SlimOptions) -> bool:
    """Whether ``auto`` surely comes to what it came to then: it is decided when modules are
    compiled, with all sources there and each RECORD as it was."""
    fits = CODE_SIZE_UNZIPPED - options.layers_bytes
    if before.bytecode == "beside":
        grown = tree.unzipped_bytes + _saved(before, record.RULE)
        counted_twice = any(
            entry.path.endswith(".pyc") and isinstance(entry.origin, WheelMember) for entry in tree
        )
        is_smaller = tree.unzipped_bytes <= before.tree.unzipped_bytes
        return is_smaller or (grown <= fits and not counted_twice)
    # It would be this big at least, since columns only add to compiled modules.
    return tree.unzipped_bytes + _saved(before, bytecode.RULE) > fits


def _saved(before: Slimmed, rule: str) -> int:
    return sum(one.saved_unzipped for one in before.removals if one.rule == rule)
