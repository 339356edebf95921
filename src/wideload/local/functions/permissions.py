"""Who else may call a function."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.local.functions import faults, lookup, names, policies

if TYPE_CHECKING:
    from wideload.local.functions.documents import FunctionDocument, Policy
    from wideload.local.functions.service import Call, Service


def add(service: Service, call: Call) -> dict[str, Any]:
    """AddPermission."""
    request = call.parameters
    if lookup.reference(call).qualifier == names.LATEST:
        raise faults.invalid("We currently do not support adding policies for $LATEST.")
    with service.store.lock:
        function, qualifier = lookup.function(service, call)
        _check_qualifier(function, qualifier)
        key = qualifier or names.LATEST
        present = function.policies.get(key)
        _check_revision(service, function, qualifier, request.get("RevisionId"))
        statement = _statement(request, function.arn(qualifier))
        _put(service, function, key, policies.added(present, statement))
    return {"Statement": json.dumps(statement, separators=(",", ":"))}


def remove(service: Service, call: Call) -> None:
    """RemovePermission."""
    request = call.parameters
    meant = lookup.reference(call)
    if service.store.functions.get(call.place, meant.name) is None:
        raise faults.not_found(f"No policy found for: {call.place.function_arn(meant.name)}")
    with service.store.lock:
        function, qualifier = lookup.function(service, call)
        _check_qualifier(function, qualifier)
        key = qualifier or names.LATEST
        left = policies.removed(function.policies.get(key), request["StatementId"])
        _check_revision(service, function, qualifier, request.get("RevisionId"))
        _put(service, function, key, left)


def get(service: Service, call: Call) -> dict[str, Any]:
    """GetPolicy."""
    function, qualifier = lookup.function(service, call)
    policy = function.policies.get(qualifier or names.LATEST)
    if policy is None:
        raise faults.not_found()
    return {"Policy": policies.document(policy), "RevisionId": policy.revision}


def _put(service: Service, function: FunctionDocument, key: str, policy: Policy | None) -> None:
    others = {held: value for held, value in function.policies.items() if held != key}
    service.store.functions.put(
        msgspec.structs.replace(
            function, policies={**others, key: policy} if policy is not None else others
        )
    )


def _check_qualifier(function: FunctionDocument, qualifier: str | None) -> None:
    if qualifier is None or qualifier in function.aliases or function.version(qualifier):
        return
    if names.is_version(qualifier) or "$" in qualifier:
        raise faults.function_not_found(function.arn(qualifier))
    raise faults.not_found(f"Cannot find alias arn: {function.arn(qualifier)}")


def _check_revision(
    service: Service, function: FunctionDocument, qualifier: str | None, wanted: str | None
) -> None:
    policy = function.policies.get(qualifier or names.LATEST)
    alias = function.aliases.get(qualifier or "")
    if policy is not None:
        present = policy.revision
    elif alias is not None:
        present = alias.revision
    else:
        present = lookup.version(function, qualifier).revision_at(service.clock())
    lookup.check_revision(present, wanted, "GetPolicy")


def _statement(request: dict[str, Any], resource: str) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(request["Principal"]),
        "Action": request["Action"],
        "Resource": resource,
    }
    equals = {
        key: request[member]
        for member, key in (
            ("FunctionUrlAuthType", "lambda:FunctionUrlAuthType"),
            ("PrincipalOrgID", "aws:PrincipalOrgID"),
            ("SourceAccount", "AWS:SourceAccount"),
            ("EventSourceToken", "lambda:EventSourceToken"),
        )
        if member in request
    }
    condition: dict[str, Any] = {}
    if equals:
        condition["StringEquals"] = equals
    if "InvokedViaFunctionUrl" in request:
        told = str(request["InvokedViaFunctionUrl"]).lower()
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": told}
    if "SourceArn" in request:
        condition["ArnLike"] = {"AWS:SourceArn": request["SourceArn"]}
    if condition:
        statement["Condition"] = condition
    return statement


def _principal(text: str) -> str | dict[str, str]:
    if text == "*":
        return text
    if text.endswith((".amazonaws.com", ".amazon.com")):
        return {"Service": text}
    if re.fullmatch(r"\d{12}", text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if re.match(r"arn:aws[a-zA-Z-]*:(iam|sts):", text):
        return {"AWS": text}
    raise faults.invalid(
        "The provided principal was invalid. Please check the principal and try again."
    )
