"""The boundary between whoever wants a function run and whatever runs it."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from wideload.values.invocation import Invocation
from wideload.values.target import Target


class Mount(msgspec.Struct, frozen=True):
    """A folder of this machine seen inside at a path below /mnt."""

    folder: str
    path: str
    read_only: bool = False


class Container(msgspec.Struct, frozen=True):
    """A container image that a function is."""

    root: str
    """Absolute path of the folder that becomes its root."""
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    """What the entrypoint is given: of a function's image its handler."""
    working_directory: str = "/"
    variables: dict[str, str] = {}
    """Those that the image sets."""


Initialization = Literal["on-demand", "provisioned-concurrency", "snap-start"]
"""What an environment is initialised for: the call that waits for it, calls to come, or a
snapshot to be taken of it. The values are those of ``AWS_LAMBDA_INITIALIZATION_TYPE``."""


class Initialised(msgspec.Struct, frozen=True):
    """How an init went."""

    failure: str = ""
    """Why it failed, in a word of Lambda's; empty where it did not."""
    log: str = ""
    """What it wrote, of one that failed; otherwise that comes with the first invocation."""


class EnvironmentSpec(msgspec.Struct, frozen=True):
    """All that an execution environment is started from."""

    function: str
    version: str
    """``$LATEST`` or the number of a published version."""
    target: Target
    handler: str
    task: str
    """Absolute path of the folder that becomes /var/task; empty for a container image."""
    layers: tuple[str, ...] = ()
    """Absolute paths of unpacked layers, laid over each other at /opt, later ones on top."""
    mounts: tuple[Mount, ...] = ()
    memory: int = 128
    """MB."""
    timeout: int = 3
    """Seconds."""
    ephemeral: int = 512
    """MB of /tmp."""
    environment: dict[str, str] = {}
    """The user's variables."""
    credentials: dict[str, str] = {}
    """AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the role."""
    region: str = "us-east-1"
    account: str = "123456789012"
    endpoint: str = ""
    """``http://127.0.0.1:PORT`` of the embedded AWS, reachable inside under the same URL;
    empty: no AWS is there."""
    network: tuple[str, ...] = ()
    """Hosts that may be reached besides; ``*`` is the whole network of this machine."""
    initialization: Initialization = "on-demand"
    wrapper: tuple[str, ...] = ()
    """Words that the runtime is started under, a tracer's for instance, as seen inside; a
    wrapper script of the function's own comes after them. Lambda has nothing like it."""
    container: Container | None = None
    """Of a function that is a container image: then target and handler say nothing but the
    architecture."""


class ExecutionEnvironment(Protocol):
    """A started environment: frozen between invocations, one invocation at a time."""

    @property
    def alive(self) -> bool:
        """Whether it can serve another invocation; a crash or a time-out ends it."""
        ...

    def invoke(
        self, event: bytes, request_id: str, *, client_context: str = "", qualifier: str = ""
    ) -> Invocation:
        """Run the handler once. Never raises for what the function does.

        :param qualifier: the alias or version that the caller named; the function is told it.
        """
        ...

    def initialised(self) -> Initialised:
        """Wait until init is over, without an invocation. Never raises for what it does.

        With ``snap-start`` it is over when the runtime would be snapshot; the first invocation
        restores it.
        """
        ...

    def close(self) -> None:
        """Shut down and leave nothing behind: no process, no mount, no file."""
        ...


class Sandbox(Protocol):
    """Starts execution environments."""

    def start(self, spec: EnvironmentSpec) -> ExecutionEnvironment:
        """A new environment. Init starts at once; its outcome shows in the first invoke.

        :raises WideloadError: this machine cannot run it at all (no interpreter of the
            runtime's version, another architecture).
        """
        ...
