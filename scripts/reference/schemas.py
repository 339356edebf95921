"""JSON Schemas of documents, learnt from examples that have every shape."""

from __future__ import annotations

from typing import Any

_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def infer(examples: list[Any], meanings: dict[str, str], path: str = "") -> dict[str, Any]:
    """The schema that all examples of a value fit.

    :param meanings: what a field means, by its path (``packages[].name``), for descriptions;
        ``settings.environment.*`` says that the keys of that object are free.
    :param path: of the value.
    """
    kinds: dict[str, dict[str, Any]] = {}
    objects = [example for example in examples if isinstance(example, dict)]
    lists = [example for example in examples if isinstance(example, list)]
    if objects:
        kinds["object"] = _object(objects, meanings, path)
    if lists:
        items = [item for example in lists for item in example]
        kinds["array"] = {"items": infer(items, meanings, f"{path}[]") if items else {}}
    for example in examples:
        if not isinstance(example, dict | list):
            kinds.setdefault(_NAMES[type(example)], {})
    names = sorted(kinds, key=lambda name: (name == "null", name))
    schema: dict[str, Any] = {"type": names[0] if len(names) == 1 else names}
    if path in meanings:
        schema["description"] = meanings[path]
    for more in kinds.values():
        schema |= more
    return schema


def _object(objects: list[dict[str, Any]], meanings: dict[str, str], path: str) -> dict[str, Any]:
    if f"{path}.*" in meanings:
        # The keys are the user's own.
        values = [value for each in objects for value in each.values()]
        return {"additionalProperties": infer(values, meanings, f"{path}.*")}
    keys = list(dict.fromkeys(key for each in objects for key in each))
    return {
        "properties": {
            key: infer(
                [each[key] for each in objects if key in each],
                meanings,
                f"{path}.{key}".lstrip("."),
            )
            for key in keys
        },
        "required": [key for key in keys if all(key in each for each in objects)],
    }


def rows(schema: dict[str, Any], path: str = "") -> list[tuple[str, str, str]]:
    """Path, type and description of every field of an object's schema, in order."""
    found = []
    for key, inner in schema.get("properties", {}).items():
        at = f"{path}.{key}".lstrip(".")
        found.append((at, _type(inner), inner.get("description", "")))
        found += rows(inner, at)
        if "items" in inner:
            found += rows(inner["items"], f"{at}[]")
        if "additionalProperties" in inner:
            free = inner["additionalProperties"]
            found.append((f"{at}.*", _type(free), free.get("description", "")))
    return found


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "any")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if kind == "array":
        return f"array of {_type(schema['items'])}"
    return text
