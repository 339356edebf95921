"""Puts compiled modules beside their sources, or in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec

from wideload.limits import CODE_SIZE_UNZIPPED
from wideload.slim import bytecode, derive
from wideload.slim.bytecode import RULE, Style
from wideload.slim.docstrings import needs_docstrings

if TYPE_CHECKING:
    from wideload.slim.derive import Batch
    from wideload.slim.derived import Made
    from wideload.slim.makers import Maker
    from wideload.slim.parts import Parts
    from wideload.slim.sift import Sieve
    from wideload.values.slimmed import Bytecode, SlimOptions

_BESIDE = "compiled by the runtime's Python, so that no cold start has to"
_INSTEAD = "shipped compiled: no source lines in tracebacks, nothing for inspect.getsource"


class _Group(msgspec.Struct, frozen=True):
    """Modules of one wheel, or the function's own."""

    package: str
    paths: frozenset[str]
    stay: dict[str, str]
    """Sources that stay though others do not."""
    documented: bool = True
    """Whether docstrings stay whatever the options say."""


def compile_modules(parts: Parts, sieve: Sieve, options: SlimOptions, maker: Maker) -> Bytecode:
    """Compile what is there; returns how it was shipped in the end."""
    if options.bytecode == "none":
        return "none"
    wanted = frozenset(bytecode.compilable(sieve.paths))
    groups = [
        _Group(
            one.wheel.name,
            frozenset(entry.path for entry in one.entries) & wanted,
            one.stay,
            needs_docstrings(one.wheel.name, one.wheel.requires),
        )
        for one in sieve.wheels
    ]
    # The user's own sources always stay: it is in these that he looks for the line.
    own = frozenset(entry.path for entry in sieve.own) & wanted
    groups.append(_Group("", own, dict.fromkeys(own, "the function's own")))
    limit = CODE_SIZE_UNZIPPED - options.layers_bytes
    # Without their compiled modules the files must fit before it is worth compiling any.
    if options.bytecode == "beside" or (options.bytecode == "auto" and parts.size < limit):
        batches = _batches(sieve, groups, options, columns=True)
        if not maker.can_compile(batches):
            return _uncompiled(parts, groups, maker)
        made = maker.make(batches)
        total = parts.size + sum(file.size for files in made for file in files.values())
        if options.bytecode == "beside" or total <= limit:
            _ship(parts, groups, made, maker, "beside")
            return "beside"
    batches = _batches(sieve, groups, options, columns=False)
    if not maker.can_compile(batches):
        return _uncompiled(parts, groups, maker)
    _ship(parts, groups, maker.make(batches), maker, "sourceless")
    return "sourceless"


def _batches(
    sieve: Sieve, groups: list[_Group], options: SlimOptions, *, columns: bool
) -> list[Batch]:
    files = [*(one.entries for one in sieve.wheels), sieve.own]
    batches = []
    for entries, group in zip(files, groups, strict=True):
        strip = options.docstrings == "strip" and not group.documented
        style = Style(columns, "strip" if strip else "keep")
        batches.append(derive.modules(entries, group.paths, style))
    return batches


def _uncompiled(parts: Parts, groups: list[_Group], maker: Maker) -> Bytecode:
    size = sum(parts.entries[path].size for group in groups for path in group.paths)
    parts.notes.append(
        f"no Python {maker.target.python_version} on this machine: modules are shipped as "
        f"sources, so every cold start compiles what it imports of {size / 1e6:,.1f} MB "
        "(about 0.2 s a MB)"
    )
    return "none"


def _ship(
    parts: Parts,
    groups: list[_Group],
    made: list[dict[str, Made]],
    maker: Maker,
    mode: Bytecode,
) -> None:
    failed: list[tuple[str, str]] = []
    for group, files in zip(groups, made, strict=True):
        for source, file in files.items():
            if not file.done:
                # By the kind of error: the line it names differs from file to file.
                failed.append((source, file.reason.partition(":")[0]))
                continue
            match mode:
                case "beside":
                    _add_beside(parts, source, file, group, maker)
                case "sourceless" if (
                    source in group.stay or bytecode.instead(source) in parts.entries
                ):
                    _add_beside(parts, source, file, group, maker)
                case "sourceless":
                    parts.remove(source, RULE, _INSTEAD, group.package)
                    entry = file.entry(bytecode.instead(source), 0o644, RULE)
                    parts.add(entry, RULE, _INSTEAD, group.package)
                case "none":
                    raise AssertionError("nothing was to be compiled")
                case _:
                    assert_never(mode)
    parts.note_left("not compiled", failed)


def _add_beside(parts: Parts, source: str, file: Made, group: _Group, maker: Maker) -> None:
    path = bytecode.beside(source, maker.target.python)
    if path not in parts.entries:
        parts.add(file.entry(path, 0o644, RULE), RULE, _BESIDE, group.package)
