"""Resource policies: statements added and removed one by one, under a revision."""

from __future__ import annotations

import json
from typing import Any

from wideload.local.functions import faults
from wideload.local.functions.documents import Policy
from wideload.local.functions.service import fresh_id


def document(policy: Policy) -> str:
    """The policy as the API answers it: JSON in a string."""
    return json.dumps(
        {"Version": "2012-10-17", "Id": "default", "Statement": list(policy.statements)},
        separators=(",", ":"),
    )


def added(policy: Policy | None, statement: dict[str, Any]) -> Policy:
    """The policy with a further statement.

    :raises LambdaFault: it has one of that name.
    """
    statements = policy.statements if policy else ()
    sid = statement["Sid"]
    if any(held["Sid"] == sid for held in statements):
        raise faults.conflict(
            f"The statement id ({sid}) provided already exists. Please provide a new statement "
            "id, or remove the existing statement."
        )
    return Policy((*statements, statement), fresh_id())


def removed(policy: Policy | None, sid: str) -> Policy | None:
    """The policy without a statement; nothing when it was the last.

    :raises LambdaFault: there is no policy, or no such statement in it.
    """
    if policy is None:
        raise faults.not_found("No policy is associated with the given resource.")
    left = tuple(statement for statement in policy.statements if statement["Sid"] != sid)
    if len(left) == len(policy.statements):
        raise faults.not_found(f"Statement {sid} is not found in resource policy.")
    return Policy(left, fresh_id()) if left else None
