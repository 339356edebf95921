"""From the versions that are there to the instruction that lets an earlier one serve. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.errors import WideloadError
from wideload.values.instruction import LIVE_ALIAS, Instruction, UpdateAlias

if TYPE_CHECKING:
    from wideload.deploy.cloud import AliasState, FunctionState


def compute_rollback(
    function: str,
    versions: tuple[FunctionState, ...],
    alias: AliasState | None,
    to: str | None = None,
) -> tuple[Instruction, ...]:
    """The instruction that moves the alias back; none where it stands there already.

    :param to: the number of a version; nothing: the one before the one that serves.
    :raises WideloadError: nothing serves yet, or there is no such version.
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
        earlier = [number for number in numbers if int(number) < int(alias.version)]
        if not earlier:
            raise WideloadError(
                f"there is no version of {function} before version {alias.version}",
                why=f"versions that are there: {listed}",
            )
        to = max(earlier, key=int)
    elif to not in numbers:
        raise WideloadError(
            f"there is no version {to} of {function}",
            why=f"versions that are there: {listed}",
            hint=f"`wideload status {function}` lists them",
        )
    if alias.version == to and not alias.is_weighted:
        return ()
    return (UpdateAlias(function, LIVE_ALIAS, to, alias.version, alias.revision),)
