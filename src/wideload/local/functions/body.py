"""From an HTTP request to the parameters of an operation, checked against the service model.

A zip in a request is most of it, up to 70 MB in base64. It is kept as a view of the body,
so that the request is in memory once, and decoded straight into a file later.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.model import ListShape, MapShape, StructureShape

from wideload import limits
from wideload.local.functions import faults, validation
from wideload.local.functions.faults import LambdaFault

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape
    from werkzeug.wrappers import Request

_BLOCK = 1 << 20
_ARCHIVES = frozenset({"CreateFunction", "UpdateFunctionCode", "PublishLayerVersion"})
# Of requests without an archive. AWS's own front end stops well before.
_LONGEST_DOCUMENT = 6 * 1024**2
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_document = msgspec.json.Decoder()


class Base64(msgspec.Struct, frozen=True):
    """A blob as it lies in the request: base64, not decoded yet."""

    text: memoryview


def parameters(
    operation: OperationModel, request: Request, path_members: dict[str, str]
) -> dict[str, Any]:
    """The members of the operation's input, validated.

    Blobs within JSON are :class:`Base64`; a blob that is the whole body is bytes.

    :raises LambdaFault: too big, not JSON, of the wrong type, or a constraint is broken.
    """
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}
    found: dict[str, Any] = {}
    payload = shape.serialization.get("payload")
    if payload:
        found[payload] = read(request, operation.name)
    elif any("location" not in member.serialization for member in shape.members.values()):
        found.update(_from_document(shape, read(request, operation.name)))
    for name, member in shape.members.items():
        value = _outside_body(member, name, request, path_members)
        if value is not None:
            found[name] = value
    broken = list(validation.violations(shape, found))
    if broken:
        raise faults.validation(broken)
    return found


def read(request: Request, operation: str) -> bytearray:
    """The body, as long as the operation admits it; what is too long is read and dropped.

    It is read even so because an answer that comes while the client is still sending is
    lost to most clients.
    """
    size = request.content_length or 0
    fault = _too_large(operation, size, request.headers.get("X-Amz-Invocation-Type") == "Event")
    if fault is not None:
        while request.stream.read(_BLOCK):
            pass
        raise fault
    body = bytearray(size)
    length = 0
    while length < size and (chunk := request.stream.read(min(_BLOCK, size - length))):
        body[length : length + len(chunk)] = chunk
        length += len(chunk)
    if length < size:
        raise _unreadable(f"the body ends after {length} of {size} bytes")
    return body


def _too_large(operation: str, size: int, event: bool) -> LambdaFault | None:
    if operation == "Invoke":
        broken = limits.check_payload(size, event=event)
        return faults.broken(broken) if broken else None
    if operation in _ARCHIVES:
        broken = limits.check_request(size, operation)
        return faults.broken(broken) if broken else None
    if size < _LONGEST_DOCUMENT:
        return None
    return LambdaFault(
        "RequestEntityTooLargeException",
        f"Request must be smaller than {_LONGEST_DOCUMENT} bytes for the {operation} operation",
        413,
        kind=None,
    )


def _from_document(shape: StructureShape, body: bytearray) -> dict[str, Any]:
    if not body:
        return {}
    try:
        return _structure(shape, _fields.decode(body), "")
    except msgspec.DecodeError as error:
        raise _unreadable(f"Could not parse request body into json: {error}") from None


def _structure(shape: StructureShape, fields: dict[str, msgspec.Raw], path: str) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        if "location" in member.serialization:
            continue
        raw = fields.get(member.serialization.get("name", name))
        if raw is None or bytes(memoryview(raw)[:4]) == b"null":
            continue
        found[name] = _value(member, raw, f"{path}.{name}" if path else name)
    return found


def _value(shape: Shape, raw: msgspec.Raw, path: str) -> Any:
    if isinstance(shape, StructureShape):
        try:
            fields = _fields.decode(raw)
        except msgspec.ValidationError:
            raise _mistyped(path, "an object") from None
        return _structure(shape, fields, path)
    if shape.type_name == "blob":
        return _blob(raw, path)
    return _typed(shape, _document.decode(raw), path)


def _typed(shape: Shape, value: Any, path: str) -> Any:  # noqa: PLR0911
    match shape.type_name:
        case "string" if isinstance(value, str):
            return value
        case "integer" | "long" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "double" | "float" if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        case "boolean" if isinstance(value, bool):
            return value
        case "list" if isinstance(value, list) and isinstance(shape, ListShape):
            return [_typed(shape.member, item, path) for item in value]
        case "map" if isinstance(value, dict) and isinstance(shape, MapShape):
            return {key: _typed(shape.value, item, f"{path}.{key}") for key, item in value.items()}
        case "structure" if isinstance(value, dict) and isinstance(shape, StructureShape):
            return {
                name: _typed(member, value[name], f"{path}.{name}")
                for name, member in shape.members.items()
                if value.get(name) is not None
            }
    raise _mistyped(path, f"of type {shape.type_name}")


def _blob(raw: msgspec.Raw, path: str) -> Base64:
    view = memoryview(raw)
    if len(view) < 2 or view[0] != ord('"'):
        raise _mistyped(path, "base64 in a string")
    if re.search(rb"\\", view):
        # Some writers of JSON escape the slashes of base64.
        return Base64(memoryview(json.loads(bytes(view)).encode()))
    return Base64(view[1:-1])


def _outside_body(shape: Shape, name: str, request: Request, path_members: dict[str, str]) -> Any:
    wire = shape.serialization.get("name", name)
    text: str | None
    match shape.serialization.get("location"):
        case "uri":
            text = path_members.get(wire)
        case "querystring":
            if isinstance(shape, ListShape):
                return request.args.getlist(wire) or None
            text = request.args.get(wire)
        case "header":
            text = request.headers.get(wire)
        case _:
            return None
    if text is None:
        return None
    if shape.type_name in ("integer", "long"):
        try:
            return int(text)
        except ValueError:
            raise _mistyped(name, f"of type {shape.type_name}") from None
    if shape.type_name == "boolean":
        return text.lower() == "true"
    return text


def _mistyped(path: str, expected: str) -> LambdaFault:
    return _unreadable(f"{path} must be {expected}")


def _unreadable(message: str) -> LambdaFault:
    return LambdaFault("SerializationException", message, kind=None)
