"""The embedded Lambda behind a loopback server, with everything around it made up."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.serving import BaseWSGIServer, make_server

from wideload.errors import WideloadError
from wideload.local.boundaries import (
    ImageRefused,
    MountFailed,
    MountRefused,
    NoSuchBucket,
    NoSuchKey,
    PulledImage,
    StoredObject,
)
from wideload.local.functions.app import FunctionsApp, create
from wideload.values.environment import EnvironmentSpec, Initialised, Mount
from wideload.values.invocation import Invocation, Outcome

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/runner"
USER = f"arn:aws:iam::{ACCOUNT}:user/tester"
FUNCTIONS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
LAYERS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer"

Handler = Callable[[Any, EnvironmentSpec], Any]


class FakeObjects:
    """Buckets as folders; a key is a file name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, bucket: str, key: str, data: bytes) -> None:
        path = self.folder / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def locate(self, bucket: str, key: str, version_id: str | None = None) -> StoredObject:
        if not (self.folder / bucket).is_dir():
            raise NoSuchBucket(bucket)
        path = self.folder / bucket / key
        if not path.is_file() or version_id is not None:
            raise NoSuchKey(key)
        return StoredObject(str(path), path.stat().st_size, "etag", None)


class FakeRoles:
    """One role that Lambda can assume, one that it cannot."""

    def assumable_by_lambda(self, role_arn: str) -> bool | None:
        return {"runner": True, "other": True, "stranger": False}.get(role_arn.rsplit("/", 1)[-1])

    def session(self, role_arn: str, session_name: str) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "ASIA",
            "AWS_SECRET_ACCESS_KEY": role_arn,
            "AWS_SESSION_TOKEN": session_name,
        }


class FakeFileSystems:
    """Access points that are there, each with what keeps it from being mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refused: dict[str, str] = {}
        self.failing: dict[str, MountFailed] = {}
        self.asked: list[tuple[str, ...]] = []

    def check(self, arn: str, subnets: Sequence[str], groups: Sequence[str]) -> None:
        self.asked.append((arn, *subnets, *groups))
        if arn in self.refused:
            raise MountRefused(self.refused[arn])

    def mounted(
        self, arn: str, path: str, role_arn: str, subnets: Sequence[str], groups: Sequence[str]
    ) -> Mount:
        if arn in self.failing:
            raise self.failing[arn]
        return Mount(str(self.folder), path, read_only=True)


class FakeImages:
    """Images that are there, by URI; each has the same root."""

    def __init__(self, root: Path) -> None:
        self.root_folder = root
        self.known: dict[str, PulledImage] = {}
        self.failing: dict[str, Exception] = {}
        self.pulls = threading.Event()
        """Nothing is pulled before it is set."""
        self.pulls.set()

    def find(self, account: str, region: str, uri: str) -> PulledImage:
        if uri not in self.known:
            raise ImageRefused(f"Source image {uri} does not exist. Provide a valid source image.")
        return self.known[uri]

    def root(self, account: str, region: str, image: PulledImage, most: int) -> Path:
        self.pulls.wait()
        if image.uri in self.failing:
            raise self.failing[image.uri]
        self.root_folder.mkdir(exist_ok=True)
        return self.root_folder

    def collect(self, needed: Collection[PulledImage], running: Collection[str]) -> None:
        pass


class MemoryLogs:
    def __init__(self) -> None:
        self.written: list[tuple[str, str, str]] = []

    def append(self, group: str, stream: str, text: str) -> None:
        self.written.append((group, stream, text))


class NotRestored(Exception):
    """For a handler to raise: a hook that runs after a restore failed, and so."""

    def __init__(self, how: Literal["raised", "timed-out"]) -> None:
        super().__init__(how)
        self.how = how


class FakeEnvironment:
    def __init__(self, sandbox: FakeSandbox, spec: EnvironmentSpec) -> None:
        self.sandbox = sandbox
        self.spec = spec
        self.alive = True
        self.closed = False
        self.contexts: list[str] = []
        self.qualifiers: list[str] = []

    def invoke(
        self, event: bytes, request_id: str, *, client_context: str = "", qualifier: str = ""
    ) -> Invocation:
        log = f"START RequestId: {request_id}\n{'x' * 5000}\nEND RequestId: {request_id}\n"
        outcome = Outcome.SUCCESS
        not_restored: Literal["raised", "timed-out"] | None = None
        self.contexts.append(client_context)
        self.qualifiers.append(qualifier)
        try:
            answer = self.sandbox.handler(json.loads(event), self.spec)
        except SystemExit:
            outcome, self.alive = Outcome.CRASHED, False
            answer = {"errorType": "Runtime.ExitError"}
        except ValueError as error:
            outcome = Outcome.HANDLED
            answer = {"errorType": "ValueError", "errorMessage": str(error)}
        except NotRestored as error:
            outcome, self.alive, not_restored = Outcome.CRASHED, False, error.how
            answer = {"errorType": "Runtime.AfterRestoreError"}
        payload = json.dumps(answer).encode()
        return Invocation(
            request_id, outcome, payload, log, 1.0, 1, None, 30, not_restored=not_restored
        )

    def initialised(self) -> Initialised:
        return self.sandbox.init(self.spec)

    def close(self) -> None:
        self.closed = True
        self.alive = False


class FakeSandbox:
    """Runs a callable of the test in place of the function's code."""

    def __init__(self) -> None:
        self.started: list[FakeEnvironment] = []
        self.init: Callable[[EnvironmentSpec], Initialised] = lambda _: Initialised()
        self.handler: Handler = lambda event, spec: {"event": event, "version": spec.version}

    def start(self, spec: EnvironmentSpec) -> FakeEnvironment:
        if spec.target.architecture == "arm64":
            raise WideloadError("cannot run arm64 here", why="it is x86_64", hint="use x86_64")
        environment = FakeEnvironment(self, spec)
        self.started.append(environment)
        return environment


def zipped(files: dict[str, bytes | str] | None = None) -> bytes:
    """A zip of these files; of a small handler by default."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (files or {"app.py": "def handler(event, context): ..."}).items():
            archive.writestr(name, data)
    return buffer.getvalue()


class World:
    """The service, its surroundings, and clients of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects = FakeObjects(folder / "s3")
        self.roles = FakeRoles()
        self.logs = MemoryLogs()
        self.file_systems = FakeFileSystems(folder)
        self.images = FakeImages(folder / "root")
        self.sandbox = FakeSandbox()
        self.settle = 0.0
        self.memory: int | None = None
        self.account = ACCOUNT
        self.now = time.time
        self._server: BaseWSGIServer | None = None
        self.app: FunctionsApp | None = None
        self.start()

    def start(self) -> None:
        self.stop()
        self.app = create(
            self.folder / "state",
            self.objects,
            self.roles,
            self.logs,
            self.file_systems,
            self.images,
            self.sandbox,
            lambda: self.url,
            clock=self.now,
            settle=self.settle,
            retry_delays=(0.05, 0.05),
            memory=self.memory,
        )
        self._server = make_server("127.0.0.1", 0, self._inner, threaded=True)
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self.app is not None:
            self.app.close()
            self.app = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def _inner(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        assert self.app is not None
        environ["wideload.account"] = self.account
        environ["wideload.region"] = REGION
        environ["wideload.principal"] = USER.replace(ACCOUNT, self.account)
        return self.app(environ, start_response)

    def client(self, *, checked: bool = False) -> LambdaClient:
        """:param checked: let botocore refuse what its model does not admit."""
        return boto3.client(
            "lambda",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(
                retries={"total_max_attempts": 1},
                parameter_validation=checked,
                inject_host_prefix=False,
            ),
        )

    def create(self, name: str = "hello", **changes: Any) -> dict[str, Any]:
        """Create a function and give what the API answers."""
        request: dict[str, Any] = {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Role": ROLE,
            "Handler": "app.handler",
            "Code": {"ZipFile": zipped()},
            **changes,
        }
        answer: dict[str, Any] = dict(self.client().create_function(**request))
        return answer

    def layer(self, name: str, files: dict[str, bytes | str], **more: Any) -> str:
        """Publish a layer version; its ARN."""
        answer = self.client().publish_layer_version(
            LayerName=name, Content={"ZipFile": zipped(files)}, **more
        )
        return answer["LayerVersionArn"]


def refusal(call: Callable[[], object]) -> tuple[str, str, int]:
    """Code, message and status of the error that a call gets."""
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    error = response["Error"]
    return error["Code"], error.get("Message"), response["ResponseMetadata"]["HTTPStatusCode"]


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)
