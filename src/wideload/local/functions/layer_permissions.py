"""Who else may use a layer version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.local.functions import faults, layers, lookup, names, policies

if TYPE_CHECKING:
    from wideload.local.functions.documents import LayerDocument, LayerVersion, Policy
    from wideload.local.functions.service import Call, Service


def add(service: Service, call: Call) -> dict[str, Any]:
    """AddLayerVersionPermission."""
    request = call.parameters
    with service.store.lock:
        layer, version = _present(service, call)
        statement: dict[str, Any] = {
            "Sid": request["StatementId"],
            "Effect": "Allow",
            "Principal": _principal(request["Principal"]),
            "Action": request["Action"],
            "Resource": layer.arn(version.number),
        }
        if "OrganizationId" in request:
            statement["Condition"] = {
                "StringEquals": {"aws:PrincipalOrgID": request["OrganizationId"]}
            }
        policy = policies.added(version.policy, statement)
        _check_revision(version, request)
        _put(service, layer, version, policy)
    return {
        "Statement": json.dumps(statement, separators=(",", ":")),
        "RevisionId": policy.revision,
    }


def remove(service: Service, call: Call) -> None:
    """RemoveLayerVersionPermission."""
    request = call.parameters
    with service.store.lock:
        layer, version = _present(service, call)
        _check_revision(version, request)
        left = policies.removed(version.policy, request["StatementId"])
        _put(service, layer, version, left)


def get(service: Service, call: Call) -> dict[str, Any]:
    """GetLayerVersionPolicy."""
    _, version = _present(service, call)
    if version.policy is None:
        raise faults.not_found("No policy is associated with the given resource.")
    return {"Policy": policies.document(version.policy), "RevisionId": version.policy.revision}


def _present(service: Service, call: Call) -> tuple[LayerDocument, LayerVersion]:
    number = call.parameters["VersionNumber"]
    meant = names.layer_reference(call.parameters["LayerName"], call.place)
    present = layers.version_of(service, meant, number)
    if present is None or meant.place != call.place:
        raise faults.not_found(
            f"Layer version {meant.place.layer_arn(meant.name, number)} does not exist."
        )
    return present


def _check_revision(version: LayerVersion, request: dict[str, Any]) -> None:
    wanted = request.get("RevisionId")
    if wanted is not None:
        present = version.policy.revision if version.policy else ""
        lookup.check_revision(present, wanted, "GetLayerPolicy")


def _put(
    service: Service, layer: LayerDocument, version: LayerVersion, policy: Policy | None
) -> None:
    changed = msgspec.structs.replace(version, policy=policy)
    service.store.layers.put(
        msgspec.structs.replace(layer, versions={**layer.versions, str(version.number): changed})
    )


def _principal(text: str) -> str | dict[str, str]:
    if text == "*":
        return text
    return {"AWS": text if text.startswith("arn:") else f"arn:aws:iam::{text}:root"}
