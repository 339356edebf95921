"""The trader beside a layer that another account made of real wheels, as one would find it."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uv
from e2e_command import EXAMPLES, Aws, Command, clean_environ, exports, shared_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.heavy, pytest.mark.network, pytest.mark.sandbox]

OTHER = "111122223333"
LARGEST = 262_144_000
# What makers of such layers leave out, so that it fits at all.
_LEFT_OUT = ("/tests/", "/include/", "__pycache__", "flight", "substrait", ".pyx", ".pyi")


def installed(folder: Path, *requirements: str) -> Path:
    """The packages as an installer lays them for python3.13 on x86_64."""
    subprocess.run(
        [
            *(uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(folder / "python")),
            *("--python", sys.executable, "--python-version", "3.13"),
            *("--python-platform", "x86_64-manylinux_2_34", "--only-binary", ":all:"),
            *requirements,
        ],
        check=True,
        env=clean_environ(),
    )
    return folder


def zipped(folder: Path, into: Path) -> int:
    """A layer's zip of a folder; the bytes of its files."""
    total = 0
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not any(part in name for part in _LEFT_OUT):
                archive.write(path, name)
                total += path.stat().st_size
    return total


class Owner:
    """Somebody in another account, who publishes layers."""

    def __init__(self, command: Command) -> None:
        self.aws = Aws(exports(command("local", "env", "--account", OTHER).out))
        self.aws.client("s3").create_bucket(Bucket="layers-of-others")

    def publish(self, name: str, package: Path, *, share: bool = True) -> str:
        self.aws.client("s3").upload_file(str(package), "layers-of-others", f"{name}.zip")
        functions = self.aws.client("lambda")
        published = functions.publish_layer_version(
            LayerName=name,
            Content={"S3Bucket": "layers-of-others", "S3Key": f"{name}.zip"},
            CompatibleRuntimes=["python3.13"],
            CompatibleArchitectures=["x86_64"],
        )
        if share:
            functions.add_layer_version_permission(
                LayerName=name,
                VersionNumber=published["Version"],
                StatementId="all",
                Action="lambda:GetLayerVersion",
                Principal="*",
            )
        return str(published["LayerVersionArn"])


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    folder = tmp_path_factory.mktemp("attached") / "examples"
    ignored = shutil.ignore_patterns(".wideload", "pylock.*", "*.pyc", "layers.lock.toml")
    shutil.copytree(EXAMPLES, folder, ignore=ignored)
    command = Command(folder, shared_cache(tmp_path_factory))
    yield command
    command("local", "down")


@pytest.fixture(scope="module")
def owner(command: Command) -> Owner:
    return Owner(command)


def attach(command: Command, *arns: str, more: str = "") -> None:
    """Have the trader attach these layers."""
    (command.folder / "wideload.toml").write_text(
        '[functions.trader]\nsource = "trader"\nhandler = "app.handler"\nruntime = "python3.13"\n'
        f"memory = 1769\ntimeout = 30\nlayers = {json.dumps(arns)}\n{more}"
    )


@pytest.fixture(scope="module")
def shared(owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, int]:
    """A layer with pandas, numpy, requests and pyarrow: its ARN, its zip, its bytes."""
    folder = tmp_path_factory.mktemp("layer")
    package = folder / "layer.zip"
    made = installed(folder / "made", "pandas", "numpy", "requests", "pyarrow")
    total = zipped(made, package)
    assert total < LARGEST
    return owner.publish("sdk-for-pandas", package), package, total


def test_only_what_the_layer_lacks_is_packed_and_it_runs(
    command: Command, shared: tuple[str, Path, int]
) -> None:
    arn, package, total = shared
    attach(command, arn)
    plan = command.json("plan", "trader")
    by = {one["name"]: one["provided_by"] for one in plan["packages"]}
    carried = {name for name, where in by.items() if where == arn}
    assert {"pandas", "numpy", "requests", "urllib3", "certifi", "python-dateutil"} <= carried
    packed = set(by) - carried
    named = {"msgpack", "pydantic", "pydantic-core", "websockets", "sseclient-py", "alpaca-py"}
    # pytz stands in the example's own requirements; the others are pydantic's.
    assert packed == named | {"pytz", "annotated-types", "typing-extensions", "typing-inspection"}
    candidates = {one["strategy"]: one for one in plan["candidates"]}
    assert plan["choice"] == "direct-zip"
    assert candidates["direct-zip"]["zipped_bytes"] < 8_000_000
    # Of the layer hardly more was fetched than its directory and its metadata.
    record = command.folder / "layers.lock.toml"
    text = record.read_text()
    assert f"unzipped_bytes = {total}" in text
    assert hashlib.sha256(package.read_bytes()).hexdigest() in text
    assert not list(command.cache.glob("layers/*/*.zip"))

    # From now on no AWS is needed to plan.
    command("local", "down")
    offline = Command(command.folder, command.cache, WIDELOAD_TO="aws", AWS_REGION="us-east-1")
    assert offline.json("plan", "trader") == plan | {"downloaded_bytes": 0}

    built = command.json("build", "trader")
    manifest = json.loads((Path(built["folder"]) / "manifest.json").read_bytes())
    assert manifest["settings"]["layers"] == [arn]
    paths = {file["path"].partition("/")[0] for file in manifest["files"]}
    assert not paths & {"pandas", "numpy", "pyarrow", "requests", "dateutil"}
    assert {"alpaca", "msgpack", "pydantic_core", "websockets"} <= paths
    assert command.json("verify", "trader")["passed"]
    deployed = command.json("deploy", "trader")
    assert deployed["uploaded_bytes"] < 8_000_000
    answer = command("invoke", "trader", "--event", "trader/event.json").json()
    assert answer == json.loads((EXAMPLES / "trader" / "expected.json").read_bytes())
    assert command.json("deploy", "trader")["instructions"] == []
    assert record.read_text() == text


def test_a_layer_too_big_beside_the_function_is_told_in_the_words_of_aws(
    command: Command, owner: Owner, shared: tuple[str, Path, int], tmp_path: Path
) -> None:
    arn, _, total = shared
    rest = LARGEST - total - 1000
    ballast = tmp_path / "ballast.zip"
    with zipfile.ZipFile(ballast, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("data/zeros.bin", bytes(rest))
    attach(command, arn, owner.publish("ballast", ballast))
    words = "InvalidParameterValueException: Unzipped size must be smaller than 1000 bytes"
    assert words in command.refused("build", "trader").why


def test_a_layer_whose_pandas_is_too_old_is_refused_and_both_sides_named(
    command: Command, owner: Owner, tmp_path: Path
) -> None:
    package = tmp_path / "old.zip"
    zipped(installed(tmp_path / "made", "pandas==2.2.3", "numpy"), package)
    arn = owner.publish("old-pandas", package)
    attach(command, arn)
    requirements = command.folder / "trader" / "requirements.txt"
    before = requirements.read_text()
    requirements.write_text(before + "pandas>=2.3\n")
    refusal = command.refused("plan", "trader")
    assert refusal.what == "requirements.txt and the attached layers do not go together"
    assert refusal.why == (
        f"layer {arn} carries pandas 2.2.3, requirements.txt asks for pandas>=2.3"
    )
    assert 'prefer = "lock"' in refusal.hint
    requirements.write_text(before)


def test_a_layer_that_its_owner_does_not_share_cannot_be_attached(
    command: Command, owner: Owner, tmp_path: Path
) -> None:
    package = tmp_path / "private.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("python/ours.py", "")
    arn = owner.publish("private", package, share=False)
    attach(command, arn)
    refusal = command.refused("plan", "trader")
    assert refusal.what == f"layer {arn} may not be read"
    assert "AccessDeniedException: User: arn:aws:iam::123456789012:root is not" in refusal.why
    described = owner.aws.client("lambda").get_layer_version_by_arn(Arn=arn)
    digest = base64.b64encode(hashlib.sha256(package.read_bytes()).digest()).decode()
    assert described["Content"]["CodeSha256"] == digest
