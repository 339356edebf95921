"""Container images in the sandbox: their own root and runtime, and of this machine the kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runtime_base import runtime_base
from wideload.rootfs import Roots
from wideload.sandbox import LinuxSandbox
from wideload.values.environment import Container, EnvironmentSpec, Mount
from wideload.values.image import Descriptor, ImageIndex, ImageManifest
from wideload.values.invocation import Outcome
from wideload.values.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wideload.sandbox.environment import LinuxEnvironment

pytest_plugins = ("sandbox_fixtures",)
pytestmark = [pytest.mark.sandbox, pytest.mark.network]

APP = """\
import os, sys

def handler(event, context):
    told = {"argv": sys.argv, "environ": dict(os.environ), "root": sorted(os.listdir("/"))}
    for path in event.get("write", []):
        try:
            with open(path, "wb") as file:
                file.write(bytes(event.get("size", 1)))
            told[path] = "written"
        except OSError as error:
            told[path] = error.strerror
    for path in event.get("read", []):
        try:
            told[path] = open(path).read()
        except OSError as error:
            told[path] = error.strerror
    return told
"""


@pytest.fixture(scope="module")
def root(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a base like AWS's, with a function in it."""
    layout = runtime_base("3.13", cache)
    blobs = layout / "blobs" / "sha256"
    index = msgspec.json.decode((layout / "index.json").read_bytes(), type=ImageIndex)
    (found,) = index.manifests
    manifest = msgspec.json.decode((blobs / found.sha256).read_bytes(), type=ImageManifest)

    def opened(layer: Descriptor) -> Any:
        return (blobs / layer.sha256).open("rb")

    folder = tmp_path_factory.mktemp("roots")
    made = Roots(folder).make(found, manifest.layers, opened, 1 << 30)
    (made / "var" / "task" / "app.py").write_text(APP)
    (made / "etc" / "secret").write_text("secret")
    (made / "etc" / "secret").chmod(0)
    return made


@pytest.fixture
def started(sandbox: LinuxSandbox, root: Path) -> Iterator[Callable[..., LinuxEnvironment]]:
    environments = []

    def start(container: dict[str, Any] | None = None, **changes: Any) -> LinuxEnvironment:
        own = Container(
            str(root),
            ("/lambda-entrypoint.sh",),
            ("app.handler",),
            "/var/task",
            {
                "LANG": "C.UTF-8",
                "PATH": "/var/lang/bin:/bin",
                "LAMBDA_TASK_ROOT": "/var/task",
                "MINE": "image",
                "STAGE": "image",
                "AWS_REGION": "image",
            },
        )
        spec = EnvironmentSpec(
            function="probe",
            version="$LATEST",
            target=Target.parse("provided.al2023", "x86_64"),
            handler="",
            task="",
            memory=512,
            timeout=10,
            container=msgspec.structs.replace(own, **(container or {})),
        )
        environment = sandbox.start(msgspec.structs.replace(spec, **changes))
        environments.append(environment)
        return environment

    yield start
    for environment in environments:
        environment.close()


def told(environment: LinuxEnvironment, **event: Any) -> Any:
    answer = environment.invoke(json.dumps(event).encode(), "1")
    assert answer.outcome is Outcome.SUCCESS, answer.log
    return json.loads(answer.payload)


def test_its_root_is_the_images_and_read_only(started: Callable[..., LinuxEnvironment]) -> None:
    found = told(
        started(),
        write=["/tmp/x", "/var/task/x", "/x", "/etc/x", "/mnt/x", "/dev/x"],
        read=["/etc/passwd", "/etc/hosts", "/etc/secret", str(Path(__file__))],
    )
    assert found["/tmp/x"] == "written"
    for path in ("/var/task/x", "/x", "/etc/x", "/mnt/x", "/dev/x"):
        assert found[path] == "Read-only file system", path
    assert found["/etc/passwd"] == "root:x:0:0:root:/root:/bin/sh\n"
    assert "127.0.0.1 localhost" in found["/etc/hosts"]
    assert found["/etc/secret"] == "Permission denied"
    assert found[str(Path(__file__))] == "No such file or directory"
    assert "lambda-entrypoint.sh" in found["root"]
    assert "home" not in found["root"]


def test_its_variables_are_the_images_the_functions_and_lambdas(
    started: Callable[..., LinuxEnvironment],
) -> None:
    environ = told(started(environment={"STAGE": "function"}))["environ"]
    assert (environ["MINE"], environ["STAGE"], environ["AWS_REGION"]) == (
        *("image", "function"),
        "us-east-1",
    )
    # The entrypoint alone has set it, of its argument.
    assert environ["_HANDLER"] == "app.handler"
    assert "AWS_EXECUTION_ENV" not in environ


def test_tmp_has_its_size(started: Callable[..., LinuxEnvironment]) -> None:
    found = told(started(ephemeral=512), write=["/tmp/big"], size=600 << 20)
    assert found["/tmp/big"] == "No space left on device"


def test_a_file_system_is_mounted(started: Callable[..., LinuxEnvironment], tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    tmp_path.chmod(0o755)
    environment = started(mounts=(Mount(str(tmp_path), "/mnt/models", read_only=True),))
    found = told(environment, read=["/mnt/models/kept"], write=["/mnt/models/x", "/mnt/x"])
    assert found["/mnt/models/kept"] == "kept"
    assert found["/mnt/models/x"] == found["/mnt/x"] == "Read-only file system"


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"entrypoint": ("/not/there",)}, "fork/exec /not/there: no such file or directory"),
        ({"entrypoint": ("/etc/passwd",)}, "fork/exec /etc/passwd: exec format error"),
        ({"entrypoint": (), "command": ()}, "no command specified"),
    ],
)
def test_an_entrypoint_that_cannot_be_run(
    started: Callable[..., LinuxEnvironment], container: dict[str, Any], words: str
) -> None:
    answer = started(container).invoke(b"{}", "1")
    assert answer.outcome is Outcome.CRASHED
    document = json.loads(answer.payload)
    assert document["errorType"] == "Runtime.InvalidEntrypoint"
    assert words in document["errorMessage"]


def test_an_entrypoint_that_ends(started: Callable[..., LinuxEnvironment]) -> None:
    answer = started({"command": ()}).invoke(b"{}", "1")
    assert answer.outcome is Outcome.CRASHED
    assert "Runtime exited with error" in json.loads(answer.payload)["errorMessage"]
    assert "entrypoint requires the handler name" in answer.log
