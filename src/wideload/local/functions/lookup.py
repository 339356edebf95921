"""Finding the function, version or alias that a call means."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from wideload.local.functions import faults, names

if TYPE_CHECKING:
    from wideload.local.functions.documents import Alias, FunctionDocument, Version
    from wideload.local.functions.names import FunctionReference
    from wideload.local.functions.service import Call, Service


def reference(call: Call) -> FunctionReference:
    """The function that the call names.

    :raises LambdaFault: of another account or region, or contradictory.
    """
    parameters = call.parameters
    return names.function_reference(
        parameters["FunctionName"], call.place, parameters.get("Qualifier")
    )


def function(service: Service, call: Call) -> tuple[FunctionDocument, str | None]:
    """The function that the call names, and the qualifier.

    :raises LambdaFault: there is none.
    """
    meant = reference(call)
    found = service.store.functions.get(call.place, meant.name)
    if found is None:
        raise faults.function_not_found(call.place.function_arn(meant.name, meant.qualifier))
    return found, meant.qualifier


def unqualified(service: Service, call: Call, *, latest_too: bool = False) -> FunctionDocument:
    """The function that the call names, which must not have a qualifier.

    :param latest_too: admit ``$LATEST``.
    :raises LambdaFault: it has one, or there is no such function.
    """
    found, qualifier = function(service, call)
    if qualifier is not None and not (latest_too and qualifier == names.LATEST):
        raise faults.invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not "
            "support this operation. Please specify either a function name or an unqualified "
            "function ARN."
        )
    return found


def version(found: FunctionDocument, qualifier: str | None) -> Version:
    """The version that a qualifier means; an alias means the first of its versions.

    :raises LambdaFault: there is none.
    """
    number = qualifier or names.LATEST
    alias = found.aliases.get(number)
    if alias is not None:
        number = alias.version
    version = found.version(number)
    if version is None:
        raise faults.function_not_found(found.arn(qualifier))
    return version


def routed(found: FunctionDocument, qualifier: str | None, now: float) -> Version:
    """The version that serves a call now: weighted where an alias splits its calls, and
    ``$LATEST`` as it was before a change under way.

    :raises LambdaFault: there is none.
    """
    alias = found.aliases.get(qualifier or "")
    if alias is not None and alias.weights:
        other, weight = next(iter(alias.weights.items()))
        if random.random() < weight:
            return version(found, other)
    meant = version(found, qualifier)
    under_way = not meant.settled(now) or (meant.failed and meant.change == "update")
    if meant is found.latest and found.serving is not None and under_way:
        return found.serving
    return meant


def alias(service: Service, call: Call) -> tuple[FunctionDocument, Alias]:
    """The alias that the call names in ``Name``.

    :raises LambdaFault: there is none.
    """
    name = call.parameters["Name"]
    meant = reference(call)
    found = service.store.functions.get(call.place, meant.name)
    if found is None or name not in found.aliases:
        raise faults.not_found(
            f"Cannot find alias arn: {call.place.function_arn(meant.name, name)}"
        )
    return found, found.aliases[name]


def check_idle(found: FunctionDocument, now: float) -> None:
    """Refuse a change while the last one is under way.

    :raises LambdaFault: one is.
    """
    latest = found.latest
    if latest.settled(now):
        return
    cannot = "The operation cannot be performed at this time."
    if latest.change == "create":
        raise faults.conflict(f"{cannot} The function is currently in the following state: Pending")
    raise faults.conflict(f"{cannot} An update is in progress for resource: {found.arn()}")


def check_revision(present: str, wanted: str | None, call: str = "GetFunction/GetAlias") -> None:
    """Refuse a caller who has not seen the present revision.

    :param call: where the present revision can be read.
    :raises LambdaFault: the revisions differ.
    """
    if wanted is not None and wanted != present:
        raise faults.stale_revision(call)
