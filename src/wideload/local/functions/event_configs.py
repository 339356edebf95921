"""How asynchronous invocations of a function are retried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wideload.local.functions import faults, lookup, names, paging
from wideload.local.functions.documents import EventConfig

if TYPE_CHECKING:
    from wideload.local.functions.documents import FunctionDocument
    from wideload.local.functions.service import Call, Service


def put(service: Service, call: Call) -> dict[str, Any]:
    """PutFunctionEventInvokeConfig: what it leaves out is unset."""
    return _changed(service, call, EventConfig(0.0))


def update(service: Service, call: Call) -> dict[str, Any]:
    """UpdateFunctionEventInvokeConfig: what it leaves out stays."""
    function, key = _present(service, call)
    return _changed(service, call, function.event_configs[key])


def get(service: Service, call: Call) -> dict[str, Any]:
    """GetFunctionEventInvokeConfig."""
    function, key = _present(service, call)
    return _rendered(function, key)


def delete(service: Service, call: Call) -> None:
    """DeleteFunctionEventInvokeConfig."""
    with service.store.lock:
        function, key = _present(service, call)
        left = {held: value for held, value in function.event_configs.items() if held != key}
        service.store.functions.put(msgspec.structs.replace(function, event_configs=left))


def list_all(service: Service, call: Call) -> dict[str, Any]:
    """ListFunctionEventInvokeConfigs."""
    function, _ = lookup.function(service, call)
    listed = [_rendered(function, key) for key in sorted(function.event_configs)]
    return paging.page(
        "FunctionEventInvokeConfigs", listed, call.parameters, lambda item: item["FunctionArn"]
    )


def _changed(service: Service, call: Call, before: EventConfig) -> dict[str, Any]:
    request = call.parameters
    settings = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    if not any(member in request for member in settings):
        raise faults.invalid(
            "You must specify at least one of error handling or destination setting."
        )
    destinations = request.get("DestinationConfig", {})
    if any(destination.get("Destination") for destination in destinations.values()):
        raise faults.not_embedded("DestinationConfig")
    with service.store.lock:
        meant = lookup.reference(call)
        function = service.store.functions.get(call.place, meant.name)
        key = meant.qualifier or names.LATEST
        if function is None or (key not in function.aliases and function.version(key) is None):
            raise faults.not_found("The function doesn't exist.")
        config = EventConfig(
            service.clock(),
            request.get("MaximumRetryAttempts", before.retries),
            request.get("MaximumEventAgeInSeconds", before.age),
        )
        function = msgspec.structs.replace(
            function, event_configs={**function.event_configs, key: config}
        )
        service.store.functions.put(function)
    return _rendered(function, key)


def _present(service: Service, call: Call) -> tuple[FunctionDocument, str]:
    meant = lookup.reference(call)
    key = meant.qualifier or names.LATEST
    function = service.store.functions.get(call.place, meant.name)
    if function is None or key not in function.event_configs:
        arn = call.place.function_arn(meant.name, key)
        raise faults.not_found(f"The function {arn} doesn't have an EventInvokeConfig")
    return function, key


def _rendered(function: FunctionDocument, key: str) -> dict[str, Any]:
    config = function.event_configs[key]
    answer: dict[str, Any] = {
        "FunctionArn": function.arn(key),
        "LastModified": config.modified,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
    }
    if config.retries is not None:
        answer["MaximumRetryAttempts"] = config.retries
    if config.age is not None:
        answer["MaximumEventAgeInSeconds"] = config.age
    return answer
