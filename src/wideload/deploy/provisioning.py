"""From what is kept initialised now to the instructions that keep what is wanted. Pure.

It is kept for the *version* that serves, by its number, never for the alias: when an alias moves,
Lambda takes its environments away from the old version and then makes those of the new one, and
callers meet cold starts meanwhile. A version's are made before the alias moves to it, and the old
version's are let go after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload import cold_starts
from wideload.errors import WideloadError
from wideload.values.instruction import (
    LIVE_ALIAS,
    Instruction,
    ProvisionConcurrency,
    ReleaseConcurrency,
    WaitUntilProvisioned,
)

if TYPE_CHECKING:
    from wideload.deploy.concurrency import ProvisionedState, Room


class Provisioning(msgspec.Struct, frozen=True):
    """What to do before the alias moves, and after."""

    before: tuple[Instruction, ...] = ()
    after: tuple[Instruction, ...] = ()


def compute_provisioning(
    function: str,
    wanted: int,
    memory: int,
    target: str | None,
    *,
    kept: tuple[ProvisionedState, ...],
    room: Room | None,
) -> Provisioning:
    """Keep so many environments of the version that is to serve, and none of others.

    :param memory: MB of an environment.
    :param target: the number of that version; nothing: the one about to be published.
    :param kept: what is kept now, whoever asked for it. What belongs to an alias is left alone
        while nothing is wanted.
    :param room: what may be kept; nothing where that was not asked, as none is wanted.
    :raises WideloadError: Lambda would refuse it.
    """
    numbers = {one.qualifier: one for one in kept if not one.is_of_alias}
    if wanted:
        _check_no_alias_has_any(function, kept)
    there = numbers.pop(target) if target in numbers else None
    others = sum(one.requested for one in numbers.values())
    steps: list[Instruction] = []
    releases = [_release(function, one) for one in numbers.values()]
    early: list[Instruction] = []
    if wanted and (there is None or there.requested != wanted or there.status == "FAILED"):
        has = there.requested if there else 0
        if room is not None and _refusal(wanted, has, others, room):
            # Without the old ones there may be room for the new.
            refusal = _refusal(wanted, has + others, 0, room)
            if refusal:
                raise _no_room(function, wanted, refusal)
            why = "since the account has no room for the old and the new ones at once"
            early = [_release(function, one, why) for one in numbers.values()]
            releases = []
        steps.append(ProvisionConcurrency(function, target, wanted, memory))
    if wanted and (steps or (there is not None and there.status != "READY")):
        steps.append(WaitUntilProvisioned(function, target))
    if there is not None and not wanted:
        releases.append(_release(function, there))
    return Provisioning((*early, *steps), tuple(releases))


def _refusal(wanted: int, has: int, others: int, room: Room) -> str | None:
    return cold_starts.provisioning_refusal(
        wanted, others=others, unreserved=room.unreserved + has, reserved=room.reserved
    )


def _no_room(function: str, wanted: int, refusal: str) -> WideloadError:
    return WideloadError(
        f"Lambda cannot keep {wanted} environments of {function} initialised",
        why=f"AWS would answer InvalidParameterValueException: {refusal}",
        hint="lower provisioned_concurrency, or ask AWS for a higher concurrency quota",
    )


def _check_no_alias_has_any(function: str, kept: tuple[ProvisionedState, ...]) -> None:
    for one in kept:
        # Another alias is another's; if it stands on the same version AWS says so itself.
        if one.is_of_alias and one.qualifier == LIVE_ALIAS:
            raise WideloadError(
                f"alias {LIVE_ALIAS} of {function} has provisioned concurrency of its own",
                why="wideload keeps environments of the version that serves, and AWS would answer "
                "ResourceConflictException: Version is pointed by a Provisioned Concurrency alias",
                hint="take the alias's away: aws lambda delete-provisioned-concurrency-config "
                f"--function-name {function} --qualifier {LIVE_ALIAS}",
            )


def _release(function: str, kept: ProvisionedState, why: str = "") -> Instruction:
    return ReleaseConcurrency(function, kept.qualifier, kept.requested, why)
