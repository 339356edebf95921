"""What the account may use, what it uses, and settings that have one value here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wideload import limits
from wideload.local.functions import concurrency, faults, lookup

if TYPE_CHECKING:
    from wideload.local.functions.service import Call, Service


def settings(service: Service, call: Call) -> dict[str, Any]:
    """GetAccountSettings."""
    return {
        "AccountLimit": {
            "TotalCodeSize": limits.TOTAL_CODE_SIZE,
            "CodeSizeUnzipped": limits.CODE_SIZE_UNZIPPED,
            "CodeSizeZipped": limits.CODE_SIZE_ZIPPED,
            "ConcurrentExecutions": concurrency.ACCOUNT,
            "UnreservedConcurrentExecutions": concurrency.unreserved(service.store, call.place),
        },
        "AccountUsage": {
            "TotalCodeSize": service.store.code_bytes(call.place),
            "FunctionCount": len(service.store.functions.within(call.place)),
        },
    }


def code_signing(service: Service, call: Call) -> dict[str, Any]:
    """GetFunctionCodeSigningConfig: no function has one here; tools ask for it all the same."""
    function, _ = lookup.function(service, call)
    return {"FunctionName": function.name, "CodeSigningConfigArn": ""}


def runtime_management(service: Service, call: Call) -> dict[str, Any]:
    """GetRuntimeManagementConfig: runtimes are those of this machine."""
    function, qualifier = lookup.function(service, call)
    lookup.version(function, qualifier)
    return {"UpdateRuntimeOn": "Auto", "FunctionArn": function.arn(qualifier)}


def put_runtime_management(service: Service, call: Call) -> dict[str, Any]:
    """PutRuntimeManagementConfig: takes the value that holds here, refuses others."""
    if call.parameters["UpdateRuntimeOn"] != "Auto":
        raise faults.not_embedded(f"UpdateRuntimeOn {call.parameters['UpdateRuntimeOn']}")
    return runtime_management(service, call)


def recursion(service: Service, call: Call) -> dict[str, Any]:
    """GetFunctionRecursionConfig."""
    return {"RecursiveLoop": lookup.unqualified(service, call).recursive_loop}


def put_recursion(service: Service, call: Call) -> dict[str, Any]:
    """PutFunctionRecursionConfig; kept, loops are not looked for."""
    with service.store.lock:
        function = lookup.unqualified(service, call)
        service.store.functions.put(
            msgspec.structs.replace(function, recursive_loop=call.parameters["RecursiveLoop"])
        )
    return {"RecursiveLoop": call.parameters["RecursiveLoop"]}
