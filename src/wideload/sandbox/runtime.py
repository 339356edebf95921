"""What a runtime brings into an environment: files, variables, and the command that is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wideload.values.environment import EnvironmentSpec

# As the runtimes' own images set them.
MANAGED_PATHS = {
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": (
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:"
        "/var/task:/var/task/lib:/opt/lib"
    ),
}
"""Variables of the runtimes that AWS makes."""


class InvalidEntrypoint(Exception):
    """There is nothing in the function that the runtime could run; says so in Lambda's words."""


class Runtime(Protocol):
    """A runtime of this machine."""

    def mounts(self) -> list[str]:
        """Arguments for bubblewrap that put its files inside."""
        ...

    def variables(self) -> dict[str, str]:
        """Variables that it sets, and that the user may set otherwise."""
        ...

    def command(self, spec: EnvironmentSpec) -> list[str]:
        """What is run inside.

        :raises InvalidEntrypoint: there is nothing to run.
        """
        ...
