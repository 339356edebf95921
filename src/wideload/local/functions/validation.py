"""What the service model admits, and AWS's words for what it does not."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, MapShape, StructureShape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

# Checked by hand: Lambda words an unknown runtime differently from any other enum.
_OWN_WORDS = frozenset({"runtime"})
_NOT_NULL = "Member must not be null"


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """AWS's sentences for every constraint of `shape` that `value` breaks.

    :param value: as it came from the request, members that are null left out.
    :param path: of the value within the request, as AWS writes it: ``snapStart.applyOn``.
    """
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                yield _sentence(None, _join(path, name), _NOT_NULL)
        for name, member in shape.members.items():
            if name in value:
                yield from violations(member, value[name], _join(path, name))
    elif isinstance(shape, ListShape):
        yield from _list_violations(shape, value, path)
    elif isinstance(shape, MapShape):
        yield from _map_violations(shape, value, path)
    elif path not in _OWN_WORDS:
        for constraint, holds in _constraints(shape, value):
            if not holds:
                yield _sentence(value, path, constraint)


def pattern_of(shape: Shape) -> re.Pattern[str] | None:
    """The pattern that the model states for a shape, to be matched in full."""
    text = shape.metadata.get("pattern")
    return _compiled(text) if text else None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # The model's patterns are Java's. Of what Python lacks they only use three Unicode
    # categories, in one class: letters and numbers are \w here, separators \s.
    translated = pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", r"\d").replace(r"\p{Z}", r"\s")
    return re.compile(translated)


def _list_violations(shape: ListShape, value: list[Any], path: str) -> Iterator[str]:
    for constraint, holds in _length(shape, len(value)):
        if not holds:
            yield _sentence(value, path, constraint)
    member = shape.member
    if isinstance(member, StructureShape | ListShape | MapShape):
        for number, item in enumerate(value, 1):
            yield from violations(member, item, f"{path}.{number}.member")
        return
    if all(holds for item in value for _, holds in _constraints(member, item)):
        return
    texts = [text for text, _ in _constraints(member, value[0])]
    if member.name == "Runtime":
        yield _sentence(value, path, texts[0])
    else:
        yield _sentence(
            value, path, f"Member must satisfy constraint: [{', '.join([*texts, _NOT_NULL])}]"
        )


def _map_violations(shape: MapShape, value: dict[str, Any], path: str) -> Iterator[str]:
    shown: Any = None if shape.metadata.get("sensitive") else value
    for label, member, items, suffix in (
        ("Map keys", shape.key, list(value), []),
        ("Map value", shape.value, list(value.values()), [_NOT_NULL]),
    ):
        if all(holds for item in items for _, holds in _constraints(member, item)):
            continue
        texts = [text for text, _ in _constraints(member, items[0])]
        constraint = f"{label} must satisfy constraint: [{', '.join([*texts, *suffix])}]"
        yield (
            f"Value at '{path}' failed to satisfy constraint: {constraint}"
            if shown is None
            else _sentence(shown, path, constraint)
        )


def _constraints(shape: Shape, value: Any) -> Iterator[tuple[str, bool]]:
    metadata = shape.metadata
    if shape.type_name in ("integer", "long", "double", "float"):
        if "max" in metadata:
            limit = metadata["max"]
            yield f"Member must have value less than or equal to {limit}", value <= limit
        if "min" in metadata:
            limit = metadata["min"]
            yield f"Member must have value greater than or equal to {limit}", value >= limit
    elif shape.type_name == "string":
        if "enum" in metadata:
            members = metadata["enum"]
            yield f"Member must satisfy enum value set: [{', '.join(members)}]", value in members
            return
        yield from _length(shape, len(value))
        pattern = pattern_of(shape)
        if pattern is not None:
            yield (
                f"Member must satisfy regular expression pattern: {metadata['pattern']}",
                pattern.fullmatch(value) is not None,
            )


def _length(shape: Shape, length: int) -> Iterator[tuple[str, bool]]:
    metadata = shape.metadata
    if "max" in metadata:
        limit = metadata["max"]
        yield f"Member must have length less than or equal to {limit}", length <= limit
    if "min" in metadata:
        limit = metadata["min"]
        yield f"Member must have length greater than or equal to {limit}", length >= limit


def _sentence(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{_written(value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_written(item) for item in value)}]"
    if isinstance(value, dict):
        pairs = (f"{key}={_written(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    return str(value)


def _join(path: str, name: str) -> str:
    lowered = name[0].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered
