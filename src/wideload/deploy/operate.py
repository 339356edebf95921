"""What is done to a function once it is deployed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from wideload.deploy import names
from wideload.deploy.cloud import Refused
from wideload.deploy.destroy import compute_destroy
from wideload.deploy.gc import Sweep, compute_sweep
from wideload.deploy.observe import observe_leftovers, observe_remains
from wideload.deploy.refusals import NOT_FOUND, told
from wideload.deploy.rollback import compute_rollback
from wideload.deploy.waiting import SystemClock
from wideload.errors import WideloadError
from wideload.values.deployment import (
    RESULT_SCHEMA,
    FunctionStatus,
    LayerStatus,
    ProvisionedStatus,
    VersionStatus,
)
from wideload.values.instruction import LIVE_ALIAS
from wideload.values.mount import MOUNT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.deploy.cloud import Cloud
    from wideload.deploy.states import Answer, DeployedFunction, FunctionState, Identity, LogEvent
    from wideload.deploy.waiting import Clock
    from wideload.values.instruction import InlineCode, Instruction

_POLL_SECONDS = 2.0
_LATE_MS = 10_000
"""Events of several streams come in out of order; so far back is looked again."""


def invoke(cloud: Cloud, function: str, event: bytes, qualifier: str = LIVE_ALIAS) -> Answer:
    """Run a function once and wait for its answer.

    :param event: JSON.
    :param qualifier: an alias, a version's number, or ``$LATEST``.
    :raises WideloadError: Lambda did not run it. A function that raises is an answer.
    """
    try:
        return cloud.functions.invoke(function, qualifier, event)
    except Refused as refused:
        if refused.code in NOT_FOUND:
            raise _not_deployed(function, refused) from refused
        raise told(f"invoke {function}:{qualifier}", refused) from refused


def status(cloud: Cloud, function: str) -> FunctionStatus:
    """What there is of a function.

    :raises WideloadError: it is not there, or AWS cannot be asked.
    """
    with _doing(f"show function {function}"):
        identity = cloud.identity()
        there = _find(cloud, function)
        versions = cloud.functions.versions(function)
        alias = cloud.functions.find_alias(function, LIVE_ALIAS)
        provisioned = cloud.concurrency.listed(function)
    latest = there.latest
    live = None if alias is None else alias.version
    return FunctionStatus(
        schema=RESULT_SCHEMA,
        function=function,
        arn=latest.arn,
        strategy=there.tags.get(names.STRATEGY_TAG, ""),
        state=latest.state,
        state_reason=latest.state_reason,
        last_update=latest.last_update,
        runtime=latest.configuration.runtime,
        architecture=latest.architecture,
        memory=latest.configuration.memory,
        timeout=latest.configuration.timeout,
        code_size=latest.code_size,
        alias=LIVE_ALIAS,
        version=live,
        versions=tuple(
            VersionStatus(
                version=version.version,
                code_sha256=version.code_sha256,
                code_size=version.code_size,
                description=version.configuration.description,
                is_live=version.version == live,
            )
            for version in versions
        ),
        url=_console(function, identity),
        layers=tuple(
            layer
            for version in versions
            if version.version == live
            for layer in _layers(version, identity)
        ),
        snap_start=any(one.is_optimised for one in versions if one.version == live),
        mount=next(
            (
                one.configuration.environment.get(MOUNT_VARIABLE, "")
                for one in versions
                if one.version == live and one.configuration.mount is not None
            ),
            "",
        ),
        provisioned=tuple(
            ProvisionedStatus(
                qualifier=one.qualifier,
                requested=one.requested,
                ready=one.ready,
                status=one.status,
                reason=one.reason,
            )
            for one in provisioned
        ),
    )


def _layers(version: FunctionState, identity: Identity) -> Iterator[LayerStatus]:
    for arn in version.configuration.layers:
        name, _, number = arn.partition(":layer:")[2].rpartition(":")
        yield LayerStatus(
            arn=arn,
            name=name,
            version=int(number),
            size=version.layer_sizes.get(arn, 0),
            is_own=names.is_own_layer(arn, identity),
        )


def logs(
    cloud: Cloud,
    function: str,
    *,
    since: int,
    follow: bool = False,
    clock: Clock | None = None,
) -> Iterator[LogEvent]:
    """What a function wrote, oldest first.

    :param since: milliseconds since 1970.
    :param follow: go on for ever with what it writes from now on.
    :raises WideloadError: it has no log group.
    """
    clock = clock or SystemClock()
    group = names.log_group(function)
    seen: dict[str, int] = {}
    while True:
        try:
            for event in cloud.logs.events(group, since):
                if event.id not in seen:
                    seen[event.id] = event.timestamp
                    yield event
        except Refused as refused:
            if refused.code in NOT_FOUND:
                raise _not_deployed(function, refused) from refused
            raise told(f"show the logs of {function}", refused) from refused
        if not follow:
            return
        since = max(since, max(seen.values(), default=0) - _LATE_MS)
        seen = {event: at for event, at in seen.items() if at >= since}
        clock.sleep(_POLL_SECONDS)


def destroy(
    cloud: Cloud, function: str, *, bucket: bool = False, sweeper: InlineCode | None = None
) -> tuple[Instruction, ...]:
    """The instructions that take a function away, to be shown or executed.

    :param bucket: also the bucket, if nothing of another function lies in it.
    :param sweeper: the code that removes mounted directories.
    :raises WideloadError: wideload did not make the function, or AWS cannot be asked.
    """
    with _doing(f"show what is there of function {function}"):
        remains = observe_remains(cloud, function, whole_bucket=bucket)
    return compute_destroy(remains, bucket=bucket, sweeper=sweeper)


def sweep(cloud: Cloud, *, now: float, sweeper: InlineCode | None = None) -> Sweep:
    """What of wideload's layers nobody uses any more, to be shown or executed.

    :param now: seconds since 1970.
    :param sweeper: the code that removes mounted directories.
    :raises WideloadError: AWS cannot be asked.
    """
    with _doing("show which layers are in use"):
        leftovers = observe_leftovers(cloud)
    return compute_sweep(leftovers, now, sweeper)


def rollback(cloud: Cloud, function: str, to: str | None = None) -> tuple[Instruction, ...]:
    """The instructions that let an earlier version serve, to be shown or executed.

    :param to: the number of a version; nothing: the last that served before the present one.
    :raises WideloadError: there is no such version, or AWS cannot be asked.
    """
    with _doing(f"show the versions of function {function}"):
        _find(cloud, function)
        versions = cloud.functions.versions(function)
        alias = cloud.functions.find_alias(function, LIVE_ALIAS)
        provisioned = cloud.concurrency.listed(function)
    return compute_rollback(function, versions, alias, to, provisioned)


@contextmanager
def _doing(what: str) -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise told(what, refused) from refused


def _find(cloud: Cloud, function: str) -> DeployedFunction:
    there = cloud.functions.find(function)
    if there is None:
        raise WideloadError(
            f"function {function} is not deployed",
            why="AWS has no function of this name in this account and region",
            hint=f"run `wideload deploy {function}`, or check AWS_PROFILE and AWS_REGION",
        )
    return there


def _not_deployed(function: str, refused: Refused) -> WideloadError:
    return WideloadError(
        f"function {function} is not deployed",
        why=f"{refused.code}: {refused.message}",
        hint=f"run `wideload deploy {function}`, or check AWS_PROFILE and AWS_REGION",
    )


def _console(function: str, identity: Identity) -> str:
    if identity.is_custom or identity.partition != "aws":
        return ""
    return (
        f"https://{identity.region}.console.aws.amazon.com/lambda/home"
        f"?region={identity.region}#/functions/{function}"
    )
