"""Which AWS is meant: AWS itself, or the embedded one of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wideload.bootstrapping import Reach
from wideload.prepared import local_state

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.deploy.aws import Aws

Destination = Literal["local", "aws"]


def cloud_of(root: Path, destination: Destination) -> Aws:
    """AWS, or the embedded one of the project at `root`, started if need be."""
    from wideload.deploy.aws import Aws  # noqa: PLC0415

    if destination == "aws":
        return Aws()
    from wideload.local import daemon  # noqa: PLC0415

    endpoint = daemon.ensure(local_state(root))
    return Aws(
        region=endpoint.region,
        endpoint=endpoint.url,
        keys=(endpoint.access_key, endpoint.secret),
    )


def reach(root: Path) -> Reach:
    """The embedded AWS of a project, and the keys of its account's root."""
    from wideload.local import daemon  # noqa: PLC0415

    endpoint = daemon.ensure(local_state(root))
    keys = {
        "AWS_ACCESS_KEY_ID": endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret,
    }
    return Reach(endpoint.url, keys, endpoint.region, endpoint.account)
