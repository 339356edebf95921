"""A deployment, and a deployed function, as JSON and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wideload.report.sizes import human

if TYPE_CHECKING:
    from wideload.values.deployment import DeploymentResult, FunctionStatus


def deployment_json(result: DeploymentResult) -> Any:
    """The deployment as `wideload deploy --json` prints it."""
    return msgspec.to_builtins(result)


def deployment_text(result: DeploymentResult, *, dry_run: bool) -> str:
    """What was done, or would be."""
    if not result.instructions:
        return f"nothing to do: {result.function} serves version {result.version} of this build"
    if dry_run:
        return "\n".join(line.text for line in result.instructions)
    return (
        f"{result.function} serves version {result.version} by {result.strategy} "
        f"({human(result.uploaded_bytes)} uploaded)"
    )


def status_json(status: FunctionStatus) -> Any:
    """The function as `wideload status --json` prints it."""
    return msgspec.to_builtins(status)


def status_text(status: FunctionStatus) -> str:
    """The function in a few lines."""
    state = f"{status.state} {status.state_reason}".strip()
    lines = [
        (
            f"{status.function}  {status.runtime or 'image'} on {status.architecture}, "
            f"{status.memory} MB, {status.timeout} s, by {status.strategy or 'other means'}"
        ),
        f"  {status.arn}",
        f"  state: {state}; last update: {status.last_update}",
    ]
    lines += [
        f"  {'→' if version.is_live else ' '} version {version.version}  "
        f"{human(version.code_size)}  {version.code_sha256}"
        for version in status.versions
    ]
    lines += [
        f"  layer {layer.name}:{layer.version}  {human(layer.size)}  "
        f"{'own' if layer.is_own else 'attached'}"
        for layer in status.layers
    ]
    if status.mount:
        lines.append(f"  mounts {status.mount}")
    if status.snap_start:
        lines.append(f"  SnapStart: version {status.version} starts from a snapshot")
    lines += [
        f"  provisioned concurrency of {one.qualifier}: {one.ready} of {one.requested} ready, "
        f"{one.status} {one.reason}".rstrip()
        for one in status.provisioned
    ]
    if status.version is None:
        lines.append(f"  no version serves: alias {status.alias} is not there")
    if status.url:
        lines.append(f"  {status.url}")
    return "\n".join(lines)
