"""IAM policy documents, evaluated: deny by default, an explicit deny wins.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import enum
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Decision(enum.Enum):
    """What policies say of one action on one resource."""

    ALLOWED = "allowed"
    DENIED = "explicitly denied"
    SILENT = "not allowed"


class Ask(msgspec.Struct, frozen=True):
    """An action that somebody wants to take."""

    action: str
    """``s3:GetObject``."""
    resource: str
    """An ARN; ``*`` where the action has none."""
    context: dict[str, str] = {}
    """Condition keys in lower case and their values."""


def decide(documents: Iterable[str], ask: Ask) -> Decision:
    """What these policy documents, taken together, say."""
    decision = Decision.SILENT
    for document in documents:
        for statement in _statements(document):
            effect = statement.get("Effect")
            if not _applies(statement, ask, unknown=effect == "Deny"):
                continue
            if effect == "Deny":
                return Decision.DENIED
            if effect == "Allow":
                decision = Decision.ALLOWED
    return decision


def allows_somewhere(documents: Iterable[str], action: str) -> bool:
    """Whether any statement allows this action on any resource under any condition."""
    return any(
        statement.get("Effect") == "Allow" and _names_action(statement, action)
        for document in documents
        for statement in _statements(document)
    )


def trusts_service(document: str, service: str) -> bool:
    """Whether a role's trust policy lets this service assume it."""
    trusted = False
    for statement in _statements(document):
        principal = statement.get("Principal")
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        named = principal == "*" or service in _several(services)
        if named and _names_action(statement, "sts:AssumeRole"):
            if statement.get("Effect") == "Deny":
                return False
            trusted = True
    return trusted


def _statements(document: str) -> list[dict[str, Any]]:
    try:
        parsed = json.loads(document)
        statements = parsed["Statement"]
    except (ValueError, TypeError, KeyError):
        # What cannot be read allows nothing.
        return []
    return [each for each in _several(statements) if isinstance(each, dict)]


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _applies(statement: dict[str, Any], ask: Ask, *, unknown: bool) -> bool:
    return (
        _names_action(statement, ask.action)
        and _names_resource(statement, ask)
        and _conditions_hold(statement.get("Condition", {}), ask.context, unknown=unknown)
    )


def _names_action(statement: dict[str, Any], action: str) -> bool:
    lower = action.lower()
    if "NotAction" in statement:
        patterns = _several(statement["NotAction"])
        return not any(_like(str(pattern).lower(), lower) for pattern in patterns)
    patterns = _several(statement.get("Action", []))
    return any(_like(str(pattern).lower(), lower) for pattern in patterns)


def _names_resource(statement: dict[str, Any], ask: Ask) -> bool:
    if "NotResource" in statement:
        return not any(
            _like(_fill(str(each), ask.context), ask.resource)
            for each in _several(statement["NotResource"])
        )
    return any(
        _like(_fill(str(each), ask.context), ask.resource)
        for each in _several(statement.get("Resource", []))
    )


def _fill(pattern: str, context: dict[str, str]) -> str:
    # A policy variable without a value makes the pattern match nothing, as in AWS.
    return re.sub(
        r"\$\{([^}]*)\}",
        lambda found: context.get(found.group(1).lower(), "\0"),
        pattern,
    )


def _like(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(char, re.escape(char)) for char in pattern), re.DOTALL)


def _conditions_hold(conditions: Any, context: dict[str, str], *, unknown: bool) -> bool:
    """Whether all hold; one that is not understood counts as `unknown` says."""
    if not isinstance(conditions, dict):
        return unknown
    for operator, tests in conditions.items():
        if not isinstance(tests, dict):
            return unknown
        for key, expected in tests.items():
            held = _holds(str(operator), context.get(str(key).lower()), _several(expected))
            if held is None:
                held = unknown
            if not held:
                return False
    return True


def _holds(operator: str, actual: str | None, expected: list[Any]) -> bool | None:
    """Whether one condition holds; nothing where the operator is not known."""
    name = operator.split(":", 1)[-1]
    if name == "Null":
        return (actual is None) == (str(expected[0]).lower() == "true")
    if name.endswith("IfExists"):
        if actual is None:
            return True
        name = name.removesuffix("IfExists")
    compare = _OPERATORS.get(name.replace("Not", ""))
    if compare is None:
        return None
    negated = "Not" in name
    if actual is None:
        return negated
    return any(compare(actual, str(value)) for value in expected) != negated


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


# Each takes the value at hand, then the policy's.
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda actual, value: actual == value,
    "StringEqualsIgnoreCase": lambda actual, value: actual.lower() == value.lower(),
    "StringLike": lambda actual, value: _like(value, actual),
    "ArnEquals": lambda actual, value: _like(value, actual),
    "ArnLike": lambda actual, value: _like(value, actual),
    "Bool": lambda actual, value: actual.lower() == value.lower(),
    "NumericEquals": lambda actual, value: _number(actual) == _number(value),
    "NumericLessThan": lambda actual, value: _number(actual) < _number(value),
    "NumericLessThanEquals": lambda actual, value: _number(actual) <= _number(value),
    "NumericGreaterThan": lambda actual, value: _number(actual) > _number(value),
    "NumericGreaterThanEquals": lambda actual, value: _number(actual) >= _number(value),
}
