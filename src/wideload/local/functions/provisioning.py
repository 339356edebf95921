"""Provisioned concurrency: environments of a version initialised before they are called."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from wideload import cold_starts
from wideload.local.functions import concurrency, environments, faults, lookup, names, paging
from wideload.local.functions.documents import Provisioned
from wideload.local.functions.faults import LambdaFault

if TYPE_CHECKING:
    from wideload.local.functions.documents import FunctionDocument
    from wideload.local.functions.service import Call, Service


def keep(service: Service, function: FunctionDocument) -> None:
    """Bring the pool in line with what the function has provisioned.

    Of versions that start from a snapshot one environment is kept ready to be restored, as long as
    an alias stands on the version or it is the newest.
    """
    wanted = {
        _number(function, qualifier): held.requested
        for qualifier, held in function.provisioned.items()
    }
    served = {alias.version for alias in function.aliases.values()} | {function.published_as}
    for version in function.versions.values():
        if environments.from_snapshot(version) and version.number in served:
            wanted[version.number] = 0 if version.failed else 1
    for version in function.versions.values():
        if version.number in wanted:
            service.pool.provision(
                environments.home(function, version),
                partial(environments.spec, service, function, version),
                wanted[version.number],
            )
        else:
            service.pool.unprovision(version.incarnation)


def put(service: Service, call: Call) -> dict[str, Any]:
    """PutProvisionedConcurrencyConfig."""
    request = call.parameters
    if lookup.reference(call).qualifier == names.LATEST:
        raise faults.invalid(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        )
    with service.store.lock:
        function, qualifier = _qualified(service, call)
        wanted = request["ProvisionedConcurrentExecutions"]
        _check_room(service, function, qualifier, wanted)
        _check_alone(function, qualifier)
        version = function.versions[_number(function, qualifier)]
        configuration = version.configuration
        refusal = configuration.snap_start != "None" and cold_starts.snap_start_refusal(
            configuration.runtime, configuration.ephemeral, provisioned=True
        )
        if refusal:
            raise faults.invalid(refusal)
        held = Provisioned(wanted, service.stamp())
        function = msgspec.structs.replace(
            function, provisioned={**function.provisioned, qualifier: held}
        )
        service.store.functions.put(function)
    keep(service, function)
    return {
        "RequestedProvisionedConcurrentExecutions": wanted,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": held.modified,
    }


def get(service: Service, call: Call) -> dict[str, Any]:
    """GetProvisionedConcurrencyConfig."""
    _refuse_latest(call)
    function, qualifier = _qualified(service, call)
    if qualifier not in function.provisioned:
        raise LambdaFault(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
            404,
        )
    return _rendered(service, function, qualifier)


def delete(service: Service, call: Call) -> None:
    """DeleteProvisionedConcurrencyConfig."""
    _refuse_latest(call)
    with service.store.lock:
        function, qualifier = _qualified(service, call)
        left = {key: held for key, held in function.provisioned.items() if key != qualifier}
        function = msgspec.structs.replace(function, provisioned=left)
        service.store.functions.put(function)
    keep(service, function)


def list_all(service: Service, call: Call) -> dict[str, Any]:
    """ListProvisionedConcurrencyConfigs."""
    function, _ = lookup.function(service, call)
    listed = [
        {"FunctionArn": function.arn(qualifier), **_rendered(service, function, qualifier)}
        for qualifier in sorted(function.provisioned)
    ]
    return paging.page(
        "ProvisionedConcurrencyConfigs",
        listed,
        call.parameters,
        lambda item: str(item["FunctionArn"]),
    )


def _refuse_latest(call: Call) -> None:
    if lookup.reference(call).qualifier == names.LATEST:
        raise faults.invalid(
            "The function resource provided must be an alias or a published version."
        )


def _qualified(service: Service, call: Call) -> tuple[FunctionDocument, str]:
    meant = lookup.reference(call)
    qualifier = meant.qualifier or ""
    function = service.store.functions.get(call.place, meant.name)
    if function is not None and (qualifier in function.aliases or qualifier in function.versions):
        return function, qualifier
    arn = call.place.function_arn(meant.name, qualifier)
    if names.is_version(qualifier):
        raise faults.function_not_found(arn)
    raise faults.not_found(f"Cannot find alias arn: {arn}")


def _number(function: FunctionDocument, qualifier: str) -> str:
    alias = function.aliases.get(qualifier)
    return alias.version if alias else qualifier


def _check_room(service: Service, function: FunctionDocument, qualifier: str, wanted: int) -> None:
    before = function.provisioned.get(qualifier)
    left = concurrency.unreserved(service.store, function.place)
    refusal = cold_starts.provisioning_refusal(
        wanted,
        others=sum(
            held.requested for key, held in function.provisioned.items() if key != qualifier
        ),
        unreserved=left + (before.requested if before else 0),
        reserved=function.reserved,
    )
    if refusal:
        raise faults.invalid(refusal)


def _check_alone(function: FunctionDocument, qualifier: str) -> None:
    alias = function.aliases.get(qualifier)
    if alias is not None:
        if alias.version == names.LATEST:
            raise faults.invalid(
                "Provisioned Concurrency Configs cannot be applied to unpublished function "
                "versions."
            )
        if alias.version in function.provisioned:
            raise faults.conflict(
                "Alias can't be used for Provisioned Concurrency configuration on an already "
                "Provisioned version"
            )
    elif any(
        function.aliases[key].version == qualifier
        for key in function.provisioned
        if key in function.aliases
    ):
        raise faults.conflict("Version is pointed by a Provisioned Concurrency alias")


def _rendered(service: Service, function: FunctionDocument, qualifier: str) -> dict[str, Any]:
    held = function.provisioned[qualifier]
    version = function.versions[_number(function, qualifier)]
    there = service.pool.readiness(version.incarnation)
    answer: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": held.requested,
        "AvailableProvisionedConcurrentExecutions": there.ready,
        "AllocatedProvisionedConcurrentExecutions": there.ready,
        "Status": "READY" if there.ready >= held.requested else "IN_PROGRESS",
        "LastModified": held.modified,
    }
    if there.failure and there.ready < held.requested:
        answer["Status"] = "FAILED"
        answer["StatusReason"] = there.failure
    return answer
