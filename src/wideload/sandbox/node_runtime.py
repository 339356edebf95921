"""Lambda's Node.js runtimes: a Node.js of theirs, and a client of the Runtime API of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wideload.nodejs import find_node
from wideload.sandbox.runtime import MANAGED_PATHS

if TYPE_CHECKING:
    from wideload.values.environment import EnvironmentSpec
    from wideload.values.target import Target

_CLIENT = Path(__file__).parent / "node"
# The loader calls the function's handler as the runtime itself would, so it knows how.
_HANDLER = Path(__file__).parents[1] / "loaders" / "node" / "handler.mjs"
_NODE = "/var/lang/bin/node"
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html#nodejs-experimental-features:
# what Lambda switches off, unless NODE_OPTIONS has the flag that switches it on.
_SWITCHED_OFF = {
    20: ("experimental-require-module",),
    22: ("experimental-require-module", "experimental-detect-module"),
    24: (),
}


class NodeRuntime:
    """Node.js at /var/lang, the client at /var/runtime; implements `Runtime`."""

    def __init__(self, target: Target, cache: Path) -> None:
        """Find or fetch the Node.js.

        :raises WideloadError: there is none of the runtime's major version.
        """
        self._major = target.node
        self._node = find_node(self._major, cache)

    def mounts(self) -> list[str]:
        """Node.js, and the client's modules."""
        modules = [*sorted(_CLIENT.glob("*.mjs")), _HANDLER]
        return [
            *("--ro-bind", self._node.executable, _NODE),
            *(
                argument
                for module in modules
                for argument in ("--ro-bind", str(module), f"/var/runtime/{module.name}")
            ),
        ]

    def variables(self) -> dict[str, str]:
        """Those of all runtimes that AWS makes, and where CommonJS looks for packages."""
        places = (
            f"/opt/nodejs/node{self._major}/node_modules",
            "/opt/nodejs/node_modules",
            "/var/runtime/node_modules",
            "/var/runtime",
            "/var/task",
        )
        return MANAGED_PATHS | {"NODE_PATH": ":".join(places)}

    def command(self, spec: EnvironmentSpec) -> list[str]:
        """Node.js with the options that the runtime gives it, and the client."""
        options = spec.environment.get("NODE_OPTIONS", "")
        command = [_NODE]
        for feature in _SWITCHED_OFF[self._major]:
            if f"--{feature}" not in options.split():
                command.append(f"--no-{feature}")
        command.append("--max-http-header-size=81920")
        spaces = options.replace("_", "-")
        if "--max-semi-space-size" not in spaces and "--max-old-space-size" not in spaces:
            young = spec.memory // 10
            command += [
                f"--max-semi-space-size={young // 2}",
                f"--max-old-space-size={spec.memory - young}",
            ]
        return [*command, "/var/runtime/index.mjs"]
