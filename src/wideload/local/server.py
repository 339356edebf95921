"""The embedded AWS put together and served."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Protocol

from wideload.local.control import Control
from wideload.local.database import Database
from wideload.local.file_systems.efs import Efs, use_long_ids
from wideload.local.file_systems.mounting import FileSystems
from wideload.local.file_systems.s3_files import S3Files
from wideload.local.gateway import Gateway
from wideload.local.http import Server
from wideload.local.iam import Authority, ExecutionRoles, Identities
from wideload.local.images.ecr import ContainerRegistry
from wideload.local.images.front import RegistryFront
from wideload.local.images.process import RegistryProcess
from wideload.local.images.pulling import Images
from wideload.local.images.tokens import Tokens
from wideload.local.journal import Journal
from wideload.local.logs import LogStreams
from wideload.local.objects.service import ObjectService
from wideload.local.principals import DEFAULT_ACCOUNT, Keyring
from wideload.local.sts import SecurityTokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    from wideload.local import boundaries
    from wideload.local.boundaries import Logs, Objects, Roles

_WATCH_SECONDS = 5.0


class LambdaApplication(Protocol):
    """A WSGI application that answers Lambda's API."""

    def __call__(self, environ: WSGIEnvironment, start: StartResponse, /) -> Iterable[bytes]:
        """Answer one request; the caller's account, region and ARN are in the environ."""
        ...

    def close(self) -> None:
        """End all that runs."""
        ...


class LambdaFactory(Protocol):
    """Makes the Lambda service out of the services that it leans on."""

    def __call__(
        self,
        state: Path,
        objects: Objects,
        roles: Roles,
        logs: Logs,
        file_systems: boundaries.FileSystems,
        images: boundaries.Images,
        endpoint_url: Callable[[], str],
    ) -> LambdaApplication:
        """The service; it may call the endpoint once it is asked something itself."""
        ...


def serve(
    state: Path,
    lambda_app: LambdaFactory,
    *,
    port: int = 0,
    region: str = "us-east-1",
    idle_minutes: float = 60,
    instance: str = "",
    unsigned: tuple[str, ...] = (),
    listening: Callable[[Server], None] = lambda _: None,
) -> None:
    """Serve the AWS whose state lies in this folder, until it is stopped or nobody asks.

    There can be one in a process, and one on a folder.

    :param port: 0 takes any that is free.
    :param region: where functions' logs are kept.
    :param idle_minutes: end after so many without a request; 0 never does.
    :param instance: told by the health page, so that a client knows whom he has found.
    :param unsigned: paths below which the Lambda service checks requests itself.
    :param listening: called once requests are taken; stop the server it is given from
        another thread.
    :raises OSError: the port is taken.
    :raises WideloadError: the state cannot be read.
    """
    database = Database(state / "aws.sqlite")
    use_long_ids()
    control = Control(Journal(database))
    identities = Identities(control)
    keyring = Keyring(database, identities)
    roles = ExecutionRoles(identities, keyring)
    authority = Authority(identities)
    objects = ObjectService(state, database, control, authority)
    s3_files = S3Files(state, control, objects)
    registry = RegistryProcess(state / "registry", state / "registry.log")
    registry_tokens = Tokens()
    containers = ContainerRegistry(control, registry, registry_tokens)
    gateway: Gateway

    def front(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        return gateway(environ, start)

    # Bound before the Lambda service is made, which must know the URL; connections wait.
    server = Server(front, port)
    control.host = f"127.0.0.1:{server.port}"
    functions = lambda_app(
        state=state,
        objects=objects,
        roles=roles,
        logs=LogStreams(control, DEFAULT_ACCOUNT, region),
        images=Images(state / "images", registry_tokens, lambda: control.host),
        file_systems=FileSystems((Efs(control, state), s3_files), control, roles),
        endpoint_url=lambda: f"http://{control.host}",
    )
    gateway = Gateway(
        keyring=keyring,
        authority=authority,
        objects=objects,
        tokens=SecurityTokens(keyring, identities),
        control=control,
        s3_files=s3_files,
        containers=containers,
        registry=RegistryFront(registry, registry_tokens, containers),
        functions=functions,
        unsigned=unsigned,
        health={"instance": instance, "pid": os.getpid()},
    )
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_WATCH_SECONDS):
            if gateway.idle_seconds > idle_minutes * 60:
                server.stop()
                return

    if idle_minutes:
        threading.Thread(target=watch, daemon=True, name="idle watch").start()
    listening(server)
    try:
        server.run()
    finally:
        ended.set()
        functions.close()
        registry.close()
