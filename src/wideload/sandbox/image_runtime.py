"""A container image's own runtime: whatever its entrypoint starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.sandbox.provided_runtime import check_format
from wideload.sandbox.runtime import InvalidEntrypoint

if TYPE_CHECKING:
    from wideload.values.environment import Container, EnvironmentSpec

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What containers have where their image sets none."""


class ImageRuntime:
    """Nothing but what the image has; implements `Runtime`."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def mounts(self) -> list[str]:
        """Nothing."""
        return []

    def variables(self) -> dict[str, str]:
        """Those of the image."""
        return {"PATH": _PATH, **self._container.variables}

    def command(self, spec: EnvironmentSpec) -> list[str]:
        """Entrypoint and command.

        :raises InvalidEntrypoint: it has neither, or is for another machine.
        """
        arguments = [*self._container.entrypoint, *self._container.command]
        if not arguments:
            raise InvalidEntrypoint("no command specified")
        found = self._file(arguments[0])
        # What cannot be looked at shows when it is run.
        if found is not None and os.access(found, os.R_OK):
            check_format(found, arguments[0], spec.target.architecture)
        return arguments

    def _file(self, program: str) -> Path | None:
        """Where a program lies on this machine; nothing where a link leads there."""
        path = self.variables()["PATH"].split(":")
        folders = [self._container.working_directory] if "/" in program else path
        for folder in folders:
            inside = os.path.normpath(f"{folder}/{program}" if program[0] != "/" else program)
            file = Path(self._container.root + inside)
            if (
                file.is_file()
                and file.resolve() == Path(self._container.root).resolve() / inside[1:]
            ):
                return file
        return None
