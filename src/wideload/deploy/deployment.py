"""The whole way of a deployment: look, compute, then show or carry out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.deploy.cloud import Refused
from wideload.deploy.compute import compute
from wideload.deploy.execute import execute
from wideload.deploy.observe import observe
from wideload.deploy.refusals import told
from wideload.values.deployment import RESULT_SCHEMA, DeploymentResult, InstructionLine
from wideload.values.instruction import LIVE_ALIAS, CreateAlias, UpdateAlias

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.deploy.cloud import Cloud
    from wideload.deploy.once import Once
    from wideload.deploy.progress import Progress
    from wideload.deploy.waiting import Clock
    from wideload.values.artifact import Manifest
    from wideload.values.function import Function
    from wideload.values.instruction import Smoke


def deploy(
    manifest: Manifest,
    function: Function,
    folder: Path,
    cloud: Cloud,
    *,
    dry_run: bool = False,
    adopt: bool = False,
    create_network: bool = False,
    smoke: Smoke | None = None,
    progress: Progress | None = None,
    clock: Clock | None = None,
    once: Once | None = None,
) -> DeploymentResult:
    """Let callers of `live` get to what was built; does nothing where they do already.

    :param folder: holds the artifacts of the manifest.
    :param dry_run: change nothing; the result's instructions are what would be done.
    :param adopt: take over a function that wideload did not make.
    :param create_network: make what the function is to mount and is not there.
    :param smoke: what the new version has to pass before callers get to it.
    :param once: the same for all deployments that run at once and may share layers.
    :raises WideloadError: as `compute` and `execute` say. What served before serves on.
    """
    try:
        observed = observe(cloud, manifest)
    except Refused as refused:
        raise told(f"show what is there of function {manifest.function}", refused) from refused
    instructions = compute(
        manifest, function, observed, adopt=adopt, smoke=smoke, create_network=create_network
    )
    serving = None if observed.alias is None else observed.alias.version
    for instruction in instructions:
        if isinstance(instruction, CreateAlias | UpdateAlias):
            serving = instruction.version
    uploaded = 0
    if not dry_run:
        execution = execute(instructions, cloud, folder, progress=progress, clock=clock, once=once)
        serving = serving or execution.published
        uploaded = execution.uploaded_bytes
    return DeploymentResult(
        schema=RESULT_SCHEMA,
        function=manifest.function,
        strategy=manifest.strategy,
        version=serving,
        alias=LIVE_ALIAS,
        uploaded_bytes=uploaded,
        instructions=tuple(InstructionLine.of(instruction) for instruction in instructions),
    )
