"""A registry that has base images under the names that AWS's have in the public one."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

from registry_server import RegistryServer, running
from runtime_base import runtime_base

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLIC = "public.ecr.aws"


class BaseRegistry:
    """Bases that `wideload` takes for the public ones, where its variable says so."""

    def __init__(self, server: RegistryServer, layout: Path) -> None:
        self.server = server
        self.layout = layout

    @property
    def environ(self) -> dict[str, str]:
        return {"WIDELOAD_REGISTRY_MIRRORS": f"{PUBLIC}={self.server.host}"}

    def push(self, name: str, layout: Path | None = None) -> None:
        """Name the base so, with Docker's media types, as AWS's have."""
        subprocess.run(
            [
                *("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"),
                *("--format", "v2s2", f"oci:{layout or self.layout}:latest"),
                f"docker://{self.server.host}/{name}",
            ],
            check=True,
            capture_output=True,
        )

    def changed(self, folder: Path) -> Path:
        """A base that is another by a variable."""
        shutil.copytree(self.layout, folder)
        subprocess.run(
            ["umoci", "config", "--image", f"{folder}:latest", "--config.env", "CHANGED=yes"],
            check=True,
            capture_output=True,
        )
        return folder


@contextlib.contextmanager
def base_registry(folder: Path, cache: Path, *versions: str) -> Iterator[BaseRegistry]:
    """A registry with a base for each of these versions of Python.

    :param cache: of wideload, where the bases are kept once they are made.
    """
    with running(folder) as server:
        found = None
        for version in versions:
            found = BaseRegistry(server, runtime_base(version, cache))
            found.push(f"lambda/python:{version}")
        assert found is not None
        yield found


def digest_of(name: str) -> str:
    """What `skopeo` says an image's digest is."""
    told = subprocess.run(["skopeo", "inspect", name], check=True, capture_output=True).stdout
    digest: str = json.loads(told)["Digest"]
    return digest
