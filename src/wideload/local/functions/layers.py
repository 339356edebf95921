"""Layers: published, read, listed, deleted, and found for a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wideload import limits
from wideload.local.functions import faults, names, packages, paging, rendering
from wideload.local.functions.documents import AttachedLayer, LayerDocument, LayerVersion
from wideload.local.functions.faults import LambdaFault

if TYPE_CHECKING:
    from wideload.local.functions.names import LayerReference
    from wideload.local.functions.service import Call, Service


def publish(service: Service, call: Call) -> dict[str, Any]:
    """PublishLayerVersion."""
    request = call.parameters
    name = names.layer_reference(request["LayerName"], call.place).name
    with (
        packages.taken(service, call.place, request["Content"], _check_size) as code,
        service.store.lock,
    ):
        layer = service.store.layers.get(call.place, name) or LayerDocument(
            account=call.place.account, region=call.place.region, name=name
        )
        version = LayerVersion(
            number=layer.next_version,
            code=code,
            created=service.stamp(),
            description=request.get("Description", ""),
            license=request.get("LicenseInfo"),
            runtimes=_tuple(request.get("CompatibleRuntimes")),
            architectures=_tuple(request.get("CompatibleArchitectures")),
        )
        layer = msgspec.structs.replace(
            layer,
            versions={**layer.versions, str(version.number): version},
            next_version=layer.next_version + 1,
        )
        service.store.layers.put(layer)
    return _rendered(service, layer, version)


def get(service: Service, call: Call) -> dict[str, Any]:
    """GetLayerVersion."""
    meant = names.layer_reference(call.parameters["LayerName"], call.place)
    return _got(service, call, meant, call.parameters["VersionNumber"])


def get_by_arn(service: Service, call: Call) -> dict[str, Any]:
    """GetLayerVersionByArn."""
    meant = names.layer_reference(call.parameters["Arn"], call.place)
    return _got(service, call, meant, meant.version or 0)


def list_all(service: Service, call: Call) -> dict[str, Any]:
    """ListLayers: each with the latest of its versions that fit the filter."""
    listed = []
    for layer in service.store.layers.within(call.place):
        fitting = [version for version in _versions(layer) if _fits(version, call.parameters)]
        if fitting:
            listed.append(
                {
                    "LayerName": layer.name,
                    "LayerArn": layer.arn(),
                    "LatestMatchingVersion": _summary(layer, fitting[0]),
                }
            )
    return paging.page("Layers", listed, call.parameters, lambda item: str(item["LayerName"]))


def list_versions(service: Service, call: Call) -> dict[str, Any]:
    """ListLayerVersions: the latest first."""
    meant = names.layer_reference(call.parameters["LayerName"], call.place)
    layer = service.store.layers.get(meant.place, meant.name)
    listed = [
        _summary(layer, version)
        for version in (_versions(layer) if layer else ())
        if layer and _fits(version, call.parameters)
    ]
    return paging.page("LayerVersions", listed, call.parameters, lambda item: str(item["Version"]))


def delete(service: Service, call: Call) -> None:
    """DeleteLayerVersion; functions that have it keep it."""
    number = call.parameters["VersionNumber"]
    _check_number(number)
    meant = names.layer_reference(call.parameters["LayerName"], call.place)
    with service.store.lock:
        layer = service.store.layers.get(meant.place, meant.name)
        if layer is not None and str(number) in layer.versions:
            left = {key: held for key, held in layer.versions.items() if key != str(number)}
            service.store.layers.put(msgspec.structs.replace(layer, versions=left))
    service.collect()


def version_of(
    service: Service, meant: LayerReference, number: int
) -> tuple[LayerDocument, LayerVersion] | None:
    """A layer version, if it is there."""
    layer = service.store.layers.get(meant.place, meant.name)
    version = layer.versions.get(str(number)) if layer else None
    return (layer, version) if layer and version else None


def attached(service: Service, call: Call, arns: list[str]) -> tuple[AttachedLayer, ...]:
    """The layer versions that a function names, in its order.

    What runtimes and architectures a layer is compatible with is advice: AWS attaches it
    to any function.

    :raises LambdaFault: too many, too big, twice the same, not there, or not permitted.
    """
    broken = limits.check_layer_count(len(arns))
    if broken is not None:
        raise faults.broken(broken)
    found: dict[str, AttachedLayer] = {}
    for arn in arns:
        meant = names.layer_reference(arn, call.place)
        if meant.place.region != call.place.region:
            raise faults.invalid(
                "Layers are not in the same region as the function. Layers are expected to be in "
                f"region {call.place.region}."
            )
        present = version_of(service, meant, meant.version or 0)
        if meant.place.account != call.place.account:
            _check_permitted(call, arn, present[1] if present else None)
        if present is None:
            raise faults.invalid(f"Layer version {arn} does not exist.")
        layer = meant.place.layer_arn(meant.name)
        if layer in found:
            raise faults.invalid(
                "Two different versions of the same layer are not allowed to be referenced in the "
                f"same function. {found[layer].arn} and {arn} are versions of the same layer."
            )
        found[layer] = AttachedLayer(arn, present[1].code)
    layers = tuple(found.values())
    broken = limits.check_unzipped(0, sum(layer.code.unzipped for layer in layers))
    if broken is not None:
        raise faults.broken(broken)
    return layers


def _got(service: Service, call: Call, meant: LayerReference, number: int) -> dict[str, Any]:
    _check_number(number)
    present = version_of(service, meant, number)
    if meant.place.account != call.place.account:
        arn = meant.place.layer_arn(meant.name, number)
        _check_permitted(call, arn, present[1] if present else None)
    if present is None:
        raise faults.not_found()
    return _rendered(service, *present)


def _check_number(number: int) -> None:
    if number < 1:
        raise faults.invalid("Layer Version Cannot be less than 1")


def _check_size(unzipped: int) -> None:
    broken = limits.check_layer(unzipped)
    if broken is not None:
        raise faults.broken(broken)


def _check_permitted(call: Call, arn: str, version: LayerVersion | None) -> None:
    statements = version.policy.statements if version and version.policy else ()
    account = call.place.account
    for statement in statements:
        principal = statement["Principal"]
        named = principal if isinstance(principal, str) else principal.get("AWS", "")
        # A statement for an organization asks for more than is known here.
        if "Condition" not in statement and (
            named in ("*", account) or named == f"arn:aws:iam::{account}:root"
        ):
            return
    raise LambdaFault(
        "AccessDeniedException",
        f"User: {call.principal} is not authorized to perform: lambda:GetLayerVersion on "
        f"resource: {arn} because no resource-based policy allows the lambda:GetLayerVersion "
        "action",
        403,
        kind=None,
    )


def _versions(layer: LayerDocument) -> list[LayerVersion]:
    return sorted(layer.versions.values(), key=lambda version: -version.number)


def _fits(version: LayerVersion, request: dict[str, Any]) -> bool:
    runtime = request.get("CompatibleRuntime")
    architecture = request.get("CompatibleArchitecture")
    return (runtime is None or runtime in (version.runtimes or ())) and (
        architecture is None or architecture in (version.architectures or ())
    )


def _summary(layer: LayerDocument, version: LayerVersion) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "LayerVersionArn": layer.arn(version.number),
        "Version": version.number,
        "Description": version.description,
        "CreatedDate": version.created,
    }
    if version.runtimes is not None:
        answer["CompatibleRuntimes"] = list(version.runtimes)
    if version.architectures is not None:
        answer["CompatibleArchitectures"] = list(version.architectures)
    if version.license is not None:
        answer["LicenseInfo"] = version.license
    return answer


def _rendered(service: Service, layer: LayerDocument, version: LayerVersion) -> dict[str, Any]:
    return {
        **_summary(layer, version),
        "LayerArn": layer.arn(),
        "Content": {
            "Location": service.downloads.url(version.code.sha256),
            "CodeSha256": rendering.code_sha256(version.code),
            "CodeSize": version.code.size,
        },
    }


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
