"""Tags of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wideload.local.functions import faults, names

if TYPE_CHECKING:
    from wideload.local.functions.documents import FunctionDocument
    from wideload.local.functions.service import Call, Service

_MOST = 50
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html"""


def add(service: Service, call: Call) -> None:
    """TagResource."""
    if not call.parameters["Tags"]:
        raise faults.invalid("An error occurred and the request cannot be processed.")
    with service.store.lock:
        function = _tagged(service, call)
        tags = {**function.tags, **call.parameters["Tags"]}
        if len(tags) > _MOST:
            raise faults.invalid("Number of tags exceeds resource tag limit.")
        service.store.functions.put(msgspec.structs.replace(function, tags=tags))


def remove(service: Service, call: Call) -> None:
    """UntagResource; tags that are not there are no error."""
    gone = call.parameters["TagKeys"]
    with service.store.lock:
        function = _tagged(service, call)
        tags = {key: value for key, value in function.tags.items() if key not in gone}
        service.store.functions.put(msgspec.structs.replace(function, tags=tags))


def list_all(service: Service, call: Call) -> dict[str, Any]:
    """ListTags."""
    return {"Tags": _tagged(service, call).tags}


def _tagged(service: Service, call: Call) -> FunctionDocument:
    arn = call.parameters["Resource"]
    if ":function:" not in arn:
        raise faults.not_embedded(f"Tags of {arn}")
    meant = names.function_reference(arn, call.place)
    if meant.qualifier is not None:
        raise faults.invalid(
            "Tags on function aliases and versions are not supported. Please specify a function "
            "ARN."
        )
    function = service.store.functions.get(call.place, meant.name)
    if function is None:
        raise faults.function_not_found(arn)
    return function
