"""From the versions that are there to the instruction that lets an earlier one serve. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.deploy.provisioning import compute_provisioning
from wideload.errors import WideloadError
from wideload.values.instruction import LIVE_ALIAS, Instruction, UpdateAlias

if TYPE_CHECKING:
    from wideload.deploy.concurrency import ProvisionedState
    from wideload.deploy.states import AliasState, FunctionState


def had_served(alias: AliasState) -> tuple[str, ...]:
    """The versions that are known to have served, the one that serves now among them."""
    if alias.version in alias.served:
        return alias.served
    return (*alias.served, alias.version)


def compute_rollback(
    function: str,
    versions: tuple[FunctionState, ...],
    alias: AliasState | None,
    to: str | None = None,
    provisioned: tuple[ProvisionedState, ...] = (),
) -> tuple[Instruction, ...]:
    """The instructions that move the alias back; none where it stands there already.

    Callers go first: whoever rolls back wants them off what serves now. As many environments
    as were kept initialised of that are then kept of the version that serves again.

    :param to: the number of a version; nothing: the last that served before the one that
        serves. A version that was published and never served, since it failed its smoke test
        for instance, is none.
    :param provisioned: environments that are kept initialised now.
    :raises WideloadError: nothing serves yet, there is no such version, or it is not known
        which served.
    """
    if alias is None:
        raise WideloadError(
            f"function {function} has no alias {LIVE_ALIAS}",
            why="nothing serves yet that could be rolled back",
            hint=f"run `wideload deploy {function}`",
        )
    numbers = [version.version for version in versions]
    listed = ", ".join(numbers) or "none"
    if to is None:
        to = _last_that_served(function, numbers, alias)
    elif to not in numbers:
        raise WideloadError(
            f"there is no version {to} of {function}",
            why=f"versions that are there: {listed}",
            hint=f"`wideload status {function}` lists them",
        )
    if alias.version == to and not alias.is_weighted:
        return ()
    move = UpdateAlias(function, LIVE_ALIAS, to, alias.version, alias.revision, had_served(alias))
    (target,) = (version for version in versions if version.version == to)
    kept = sum(one.requested for one in provisioned if one.qualifier == alias.version)
    then = compute_provisioning(
        function,
        # What starts from a snapshot may not have it.
        0 if target.configuration.snap_start else kept,
        target.configuration.memory,
        to,
        kept=provisioned,
        room=None,
    )
    return (move, *then.before, *then.after)


def _last_that_served(function: str, numbers: list[str], alias: AliasState) -> str:
    earlier = [number for number in numbers if int(number) < int(alias.version)]
    listed = ", ".join(numbers) or "none"
    if not earlier:
        raise WideloadError(
            f"there is no version of {function} before version {alias.version}",
            why=f"versions that are there: {listed}",
        )
    served = [number for number in earlier if number in alias.served]
    if not served:
        raise WideloadError(
            f"no version of {function} before version {alias.version} is known to have served",
            why=f"alias {LIVE_ALIAS} notes none; versions that are there: {listed}",
            hint=f"name one: `wideload rollback {function} --version {max(earlier, key=int)}`",
        )
    return max(served, key=int)
