from __future__ import annotations

from collections.abc import Iterator

from botocore.model import ListShape, MapShape, Shape, StructureShape

from wideload.local.functions import routes, validation


def _shapes(shape: Shape, seen: set[str]) -> Iterator[Shape]:
    if shape.name in seen:
        return
    seen.add(shape.name)
    yield shape
    match shape:
        case StructureShape():
            for member in shape.members.values():
                yield from _shapes(member, seen)
        case ListShape():
            yield from _shapes(shape.member, seen)
        case MapShape():
            yield from _shapes(shape.key, seen)
            yield from _shapes(shape.value, seen)


def test_every_pattern_of_the_model_can_be_checked() -> None:
    model = routes.service_model()
    seen: set[str] = set()
    patterns = 0
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        for inner in _shapes(shape, seen) if shape else ():
            patterns += validation.pattern_of(inner) is not None
    assert patterns > 50


def test_every_operation_is_found_under_its_path() -> None:
    model = routes.service_model()
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        filled = "/".join("some-name" if part.startswith("{") else part for part in path.split("/"))
        given = dict(part.partition("=")[::2] for part in query.split("&") if part)
        for ending in ("", "/"):
            operation, _ = routes.find(http["method"], filled.rstrip("/") + ending, given)
            assert operation.name == name
