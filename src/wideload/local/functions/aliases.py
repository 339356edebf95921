"""Aliases: names for versions, with a share of the calls for a second one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wideload.local.functions import faults, lookup, names, paging, provisioning
from wideload.local.functions.documents import Alias
from wideload.local.functions.service import fresh_id

if TYPE_CHECKING:
    from wideload.local.functions.documents import FunctionDocument
    from wideload.local.functions.service import Call, Service


def create(service: Service, call: Call) -> dict[str, Any]:
    """CreateAlias."""
    request = call.parameters
    with service.store.lock:
        meant = lookup.reference(call)
        function = service.store.functions.get(call.place, meant.name)
        if function is None:
            raise faults.function_not_found(
                call.place.function_arn(meant.name, request["FunctionVersion"])
            )
        version = request["FunctionVersion"]
        weights = _weights(function, version, request)
        name = request["Name"]
        if name in function.aliases:
            raise faults.conflict(f"Alias already exists: {function.arn(name)}")
        alias = Alias(name, version, request.get("Description", ""), fresh_id(), weights or {})
        _put(service, function, alias)
    return _rendered(function, alias)


def get(service: Service, call: Call) -> dict[str, Any]:
    """GetAlias."""
    return _rendered(*lookup.alias(service, call))


def update(service: Service, call: Call) -> dict[str, Any]:
    """UpdateAlias."""
    request = call.parameters
    with service.store.lock:
        function, _ = lookup.function(service, call)
        alias = function.aliases.get(request["Name"])
        if alias is None:
            raise faults.not_found(f"Alias not found: {function.arn(request['Name'])}")
        lookup.check_revision(alias.revision, request.get("RevisionId"))
        version = request.get("FunctionVersion", alias.version)
        weights = _weights(function, version, request)
        alias = Alias(
            alias.name,
            version,
            request.get("Description", alias.description),
            fresh_id(),
            alias.weights if weights is None else weights,
        )
        function = _put(service, function, alias)
    provisioning.keep(service, function)
    return _rendered(function, alias)


def delete(service: Service, call: Call) -> None:
    """DeleteAlias; one that is not there is no error."""
    name = call.parameters["Name"]
    with service.store.lock:
        function, _ = lookup.function(service, call)

        def without(entries: dict[str, Any]) -> dict[str, Any]:
            return {key: value for key, value in entries.items() if key != name}

        function = msgspec.structs.replace(
            function,
            aliases=without(function.aliases),
            policies=without(function.policies),
            provisioned=without(function.provisioned),
            event_configs=without(function.event_configs),
        )
        service.store.functions.put(function)
    provisioning.keep(service, function)


def list_all(service: Service, call: Call) -> dict[str, Any]:
    """ListAliases, of one version where it is named."""
    function, _ = lookup.function(service, call)
    wanted = call.parameters.get("FunctionVersion")
    listed = [
        _rendered(function, alias)
        for _, alias in sorted(function.aliases.items())
        if wanted is None or wanted == alias.version
    ]
    return paging.page("Aliases", listed, call.parameters, lambda item: str(item["Name"]))


def _put(service: Service, function: FunctionDocument, alias: Alias) -> FunctionDocument:
    changed = msgspec.structs.replace(function, aliases={**function.aliases, alias.name: alias})
    service.store.functions.put(changed)
    return changed


def _weights(
    function: FunctionDocument, version: str, request: dict[str, Any]
) -> dict[str, float] | None:
    if function.version(version) is None:
        raise faults.function_not_found(function.arn(version))
    if "RoutingConfig" not in request:
        return None
    weights: dict[str, float] = request["RoutingConfig"].get("AdditionalVersionWeights", {})
    if len(weights) > 1:
        raise faults.invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for other in weights:
        if other == version:
            raise faults.invalid(
                f"Invalid function version {other}. Function version {other} is already included "
                "in routing configuration."
            )
        if version == names.LATEST:
            raise faults.invalid(
                "$LATEST is not supported for an alias pointing to more than 1 version"
            )
        if function.version(other) is None:
            raise faults.function_not_found(function.arn(other))
    return weights


def _rendered(function: FunctionDocument, alias: Alias) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "AliasArn": function.arn(alias.name),
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision,
    }
    if alias.weights:
        answer["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return answer
