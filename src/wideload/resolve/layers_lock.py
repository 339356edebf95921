"""``layers.lock.toml``: what the attached layers of a project hold, to be committed.

With it a plan asks AWS nothing, and a layer that changed shows as a diff. It is written by
hand, not by a library, one distribution a line, so that the diff reads well.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.values.attached import AttachedLayer, Held

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LAYERS_LOCK = "layers.lock.toml"
_VERSION = 1
_HEAD = """\
# What the attached layers hold. Commit it: a plan then needs no AWS, and a layer that changed
# shows. `wideload plan --upgrade` renews it.
"""


class Locked(msgspec.Struct, frozen=True):
    """A layer as it was asked for, and what it was."""

    asked: str
    """The ARN of the configuration; ends in ``:latest`` where that was left to AWS."""
    layer: AttachedLayer


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    layers: list[Locked] = []


def read_lock(path: Path) -> dict[str, Locked]:
    """What was recorded, by what was asked for; nothing where there is no file.

    :raises WideloadError: the file cannot be read, or is not as it was written.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for entry in document.get("layers", []):
            asked = entry.pop("asked", entry.get("arn", ""))
            inner, entry_keys = dict(entry), list(entry)
            for key in entry_keys:
                del entry[key]
            entry.update(asked=asked, layer=inner)
        file = msgspec.convert(document, _File)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, ValueError, AttributeError, TypeError) as error:
        raise WideloadError(
            f"{path.name} cannot be read",
            why=str(error),
            hint="restore it from version control, or delete it to read the layers anew",
        ) from error
    if file.version != _VERSION:
        raise WideloadError(
            f"{path.name} is of another version of wideload",
            why=f"it has version {file.version}, this wideload writes {_VERSION}",
            hint="delete it to read the layers anew",
        )
    return {one.asked: one for one in file.layers}


def write_lock(path: Path, locked: Iterable[Locked]) -> bool:
    """Record these layers; returns whether that changed the file.

    :raises WideloadError: the folder cannot be written to.
    """
    ordered = sorted(locked, key=lambda one: one.asked)
    text = _HEAD + f"version = {_VERSION}\n" + "".join(map(_table, ordered))
    try:
        if path.read_text(encoding="utf-8") == text:
            return False
    except (OSError, UnicodeDecodeError):
        pass
    write_atomically(path, text.encode())
    return True


def differences(before: AttachedLayer, now: AttachedLayer) -> tuple[str, ...]:
    """What a layer holds now that it did not hold before, and the other way round, in lines."""
    old, new = (_versions(layer.distributions) for layer in (before, now))
    lines = [
        f"{name} {' and '.join(old[name])} is gone"
        if name not in new
        else f"{name} {' and '.join(new[name])} is new"
        if name not in old
        else f"{name} {' and '.join(old[name])} became {' and '.join(new[name])}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    if before.unzipped_bytes != now.unzipped_bytes:
        lines.append(f"{before.unzipped_bytes:,} bytes became {now.unzipped_bytes:,}")
    return tuple(lines) or ("other files, the same distributions",)


def _versions(distributions: Iterable[Held]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for held in distributions:
        found.setdefault(held.name, []).append(held.version)
    return {name: sorted(set(versions)) for name, versions in found.items()}


def _table(one: Locked) -> str:
    layer = one.layer
    lines = ["", "[[layers]]"]
    if one.asked != layer.arn:
        lines.append(f"asked = {_value(one.asked)}")
    plain: Mapping[str, Any] = {
        "arn": layer.arn,
        "sha256": layer.sha256,
        "zipped_bytes": layer.zipped_bytes,
        "unzipped_bytes": layer.unzipped_bytes,
        "runtimes": layer.runtimes,
        "architectures": layer.architectures,
        "modules": layer.modules,
        "libraries": layer.libraries,
    }
    lines += [f"{key} = {_value(value)}" for key, value in plain.items()]
    for key, rows in (("distributions", layer.distributions), ("extensions", layer.extensions)):
        lines.append(f"{key} = [")
        lines += [f"    {_inline(row)}," for row in rows]
        lines.append("]")
    return "\n".join(lines) + "\n"


def _inline(row: msgspec.Struct) -> str:
    defaults = {field.name: field.default for field in msgspec.structs.fields(row)}
    pairs = [
        f"{name} = {_value(value)}"
        for name, value in msgspec.structs.asdict(row).items()
        if value != defaults[name]
    ]
    return "{ " + ", ".join(pairs) + " }"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    # JSON's strings and numbers are TOML's, but for the delete character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
