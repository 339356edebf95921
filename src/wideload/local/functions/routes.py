"""Which operation a request is, as botocore's service model of Lambda lays them out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from botocore.loaders import Loader
from botocore.model import ServiceModel
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from wideload.local.functions.faults import LambdaFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel

# Members of a path that may hold slashes: ARNs of things that are not functions.
_WITH_SLASHES = frozenset({"DurableExecutionArn", "ResourceArn", "Resource", "CallbackId"})


@cache
def service_model() -> ServiceModel:
    """Lambda as the installed botocore describes it; no client, no session."""
    description = Loader().load_service_model("lambda", "service-2", "2015-03-31")
    return ServiceModel(description, "lambda")


def find(method: str, path: str, query: Mapping[str, str]) -> tuple[OperationModel, dict[str, str]]:
    """The operation of a request and the members that its path holds.

    :raises LambdaFault: Lambda has no such operation.
    """
    routes, candidates = _routes()
    try:
        endpoint, members = routes.bind("lambda").match(path.rstrip("/"), method)
    except HTTPException:
        raise LambdaFault(
            "UnknownOperationException",
            f"Lambda has no operation {method} {path}",
            404,
            kind=None,
        ) from None
    for required, name in candidates[endpoint]:
        if all(query.get(key) == value for key, value in required.items()):
            return service_model().operation_model(name), dict(members)
    raise LambdaFault(
        "UnknownOperationException", f"Lambda has no operation {method} {path}", 404, kind=None
    )


@cache
def _routes() -> tuple[Map, dict[str, list[tuple[dict[str, str], str]]]]:
    model = service_model()
    candidates: dict[str, list[tuple[dict[str, str], str]]] = {}
    rules = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        endpoint = f"{http['method']} {path}"
        if endpoint not in candidates:
            candidates[endpoint] = []
            rules.append(Rule(_rule(path), methods=[http["method"]], endpoint=endpoint))
        required = dict(part.partition("=")[::2] for part in query.split("&") if part)
        candidates[endpoint].append((required, name))
    for found in candidates.values():
        # The one that asks for more of the query first: it is the more specific.
        found.sort(key=lambda candidate: -len(candidate[0]))
    return Map(rules, strict_slashes=False, merge_slashes=False), candidates


def _rule(path: str) -> str:
    segments = []
    for segment in path.rstrip("/").split("/"):
        if segment.startswith("{"):
            member = segment.strip("{}+")
            converter = "path:" if member in _WITH_SLASHES else ""
            segments.append(f"<{converter}{member}>")
        else:
            segments.append(segment)
    return "/".join(segments)
