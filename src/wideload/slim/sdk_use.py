"""Which AWS services a piece of Python code makes clients of, as far as it can be told."""

from __future__ import annotations

import ast
import re
import warnings

import msgspec

# Cheap to look for, so that few files are parsed.
_ABOUT_SDK = (b"boto3", b"botocore")
_ENUMERATES = frozenset(
    {
        "get_available_services",
        "get_available_resources",
        "get_available_regions",
        "get_available_partitions",
        "get_partition_for_region",
        "get_service_model",
        "get_service_data",
        "get_waiter_model",
        "get_paginator_model",
        "list_available_services",
        "load_service_model",
        "load_data",
        "load_data_with_path",
        "determine_latest_version",
        "list_api_versions",
    }
)
_MAKERS = frozenset({"client", "resource", "create_client"})
_WORDS = re.compile(
    "|".join(sorted(rf"\b{word}\b" for word in _MAKERS | _ENUMERATES | {"getattr"})).encode()
)
_SERVICE = re.compile(r"[a-z0-9][a-z0-9.-]*")


class SdkUse(msgspec.Struct, frozen=True, array_like=True):
    """The services that code names, and where it asks for one that cannot be told."""

    services: tuple[str, ...] = ()
    unknown: str = ""
    """The first place, ``path:line``, where the service is no constant or all are asked for."""
    mentioned: bool = False
    """Whether the code speaks of the SDK at all."""

    def with_(self, other: SdkUse) -> SdkUse:
        """What both use."""
        if other == SdkUse():
            return self
        return SdkUse(
            tuple(sorted({*self.services, *other.services})),
            self.unknown or other.unknown,
            self.mentioned or other.mentioned,
        )


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return _last_name(function)
        case _:
            return ""


def _hands_out_maker(call: ast.Call) -> bool:
    match call.args[:2]:
        case [_, ast.Constant(value=name)]:
            return name in _MAKERS
        case [owner, _]:
            return _is_sdk(owner)
        case _:
            return False


def _is_sdk(node: ast.expr) -> bool:
    owner = _last_name(node).lower()
    return "boto" in owner or "session" in owner


class _Visitor(ast.NodeVisitor):
    """Calls of `.client("…")` and their like, and every other use of these names."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._bare: set[str] = set()
        self.services: set[str] = set()
        self.unknown = ""

    def _cannot_tell(self, node: ast.expr | ast.stmt) -> None:
        self.unknown = self.unknown or f"{self._path}:{node.lineno}"

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if (node.module or "").partition(".")[0] in ("boto3", "botocore", "aiobotocore"):
            for alias in node.names:
                if alias.name in _MAKERS:
                    self._bare.add(alias.asname or alias.name)

    def visit_Call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Attribute(attr=name, value=value) if name in _MAKERS:
                self._made(node)
                self.visit(value)
            case ast.Name(id=name) if name in self._bare:
                self._made(node)
            case ast.Name(id="getattr") if _hands_out_maker(node):
                self._cannot_tell(node)
            case _:
                self.visit(node.func)
        for argument in (*node.args, *node.keywords):
            self.visit(argument)

    def _made(self, node: ast.Call) -> None:
        wanted = [one.value for one in node.keywords if one.arg == "service_name"] or node.args[:1]
        if not wanted:
            # Somebody else's client(): those of the SDK cannot be made without a service.
            if any(one.arg is None for one in node.keywords):
                self._cannot_tell(node)
            return
        match wanted[0]:
            case ast.Constant(value=str(service)) if _SERVICE.fullmatch(service):
                self.services.add(service)
            case _:
                self._cannot_tell(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        # The function itself, handed on: boto3.client, self._session.resource.
        if node.attr in _ENUMERATES or (node.attr in _MAKERS and _is_sdk(node.value)):
            self._cannot_tell(node)
        self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self._bare and isinstance(node.ctx, ast.Load):
            self._cannot_tell(node)


def sdk_use(path: str, data: bytes, *, own: bool) -> SdkUse:
    """What a Python file says of the SDK.

    :param own: whether it is the user's, whose sessions may come from anywhere; of others
        only files that name the SDK are read closely.
    """
    mentioned = any(word in data for word in _ABOUT_SDK)
    if not (mentioned or own) or not _WORDS.search(data):
        return SdkUse(mentioned=mentioned)
    visitor = _Visitor(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            visitor.visit(ast.parse(data))
    except (SyntaxError, ValueError, RecursionError):
        return SdkUse(unknown=path, mentioned=mentioned)
    return SdkUse(tuple(sorted(visitor.services)), visitor.unknown, mentioned)
