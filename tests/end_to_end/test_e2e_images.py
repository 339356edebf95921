"""Functions that are container images: built, read by other tools, deployed, updated, run."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from e2e_command import EXAMPLES, Aws, Command, exports, shared_cache

from base_registry import BaseRegistry, base_registry, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

APP = """\
import os
import idna

LINE = 1

def handler(event, context):
    tried = []
    for folder in ("/tmp", "/var/task", "/", "/opt"):
        try:
            with open(f"{folder}/tried", "w") as file:
                file.write("x")
            tried.append(folder)
        except OSError:
            pass
    return {
        "line": LINE,
        "idna": idna.encode("grüße").decode(),
        "written": tried,
        "here": os.getcwd(),
        "stage": os.environ.get("STAGE"),
        "uid": os.getuid(),
    }
"""
TABLE = """\
[functions.shop]
source = "src"
handler = "app.handler"
runtime = "python3.13"
memory = 512
strategy = "image"
environment = { STAGE = "test" }
"""
SMALL = 50_000
"""Bytes that a changed line may push."""


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseRegistry]:
    cache = shared_cache(tmp_path_factory)
    with base_registry(tmp_path_factory.mktemp("bases"), cache, "3.13") as registry:
        yield registry


def project(folder: Path, cache: Path, bases: BaseRegistry, table: str = TABLE) -> Command:
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "app.py").write_text(APP)
    (folder / "src" / "requirements.txt").write_text("idna==3.10\n")
    (folder / "wideload.toml").write_text(table)
    return Command(folder, cache, **bases.environ)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, bases: BaseRegistry) -> Iterator[Command]:
    folder = tmp_path_factory.mktemp("images") / "shop"
    command = project(folder, shared_cache(tmp_path_factory), bases)
    yield command
    command("local", "down")


def edit(command: Command, line: int) -> None:
    (command.folder / "src" / "app.py").write_text(APP.replace("LINE = 1", f"LINE = {line}"))


def manifest(command: Command, name: str = "shop") -> Any:
    path = command.folder / ".wideload" / "build" / name / "manifest.json"
    return json.loads(path.read_bytes())


def layout(command: Command, name: str = "shop") -> Path:
    return command.folder / ".wideload" / "build" / name / "image"


def told(command: Command, name: str = "shop") -> Any:
    event = command.folder / "event.json"
    if not event.exists():
        event.write_text("{}")
    return command("invoke", name, "--event", str(event)).json()


def test_planned_from_what_the_registry_says(shop: Command) -> None:
    plan = shop.json("plan", "shop")
    assert plan["choice"] == "image"
    image = next(one for one in plan["candidates"] if one["strategy"] == "image")
    assert image["feasible"]
    assert 50_000_000 < image["unzipped_bytes"] < 400_000_000


def test_deployed_invoked_updated_and_rolled_back(shop: Command) -> None:
    edit(shop, 1)
    first = shop.json("deploy", "shop")
    assert first["strategy"] == "image"
    kinds = [line["do"] for line in first["instructions"]]
    assert kinds.index("create-repository") < kinds.index("push-image")
    assert kinds.index("push-image") < kinds.index("create-function")
    assert told(shop) == {
        "line": 1,
        "idna": "xn--gre-6ka8l",
        "written": ["/tmp"],
        "here": "/var/task",
        "stage": "test",
        "uid": 993,
    }
    assert shop.json("deploy", "shop")["instructions"] == []
    edit(shop, 2)
    second = shop.json("deploy", "shop")
    assert 0 < second["uploaded_bytes"] <= SMALL
    assert told(shop)["line"] == 2
    shop("rollback", "shop")
    assert told(shop)["line"] == 1
    # What rolled back to is served again without a byte being sent.
    edit(shop, 1)
    assert shop.json("deploy", "shop")["uploaded_bytes"] == 0
    functions = Aws(exports(shop("local", "env").out)).client("lambda")
    there = functions.get_function(FunctionName="shop", Qualifier="live")
    digest = manifest(shop)["artifacts"][0]["sha256"]
    assert there["Configuration"]["PackageType"] == "Image"
    assert there["Code"]["ImageUri"].endswith(f"/wideload/shop@sha256:{digest}")
    assert "Runtime" not in there["Configuration"]


def test_a_zip_never_becomes_an_image_nor_the_other_way_round(shop: Command) -> None:
    edit(shop, 1)
    shop("deploy", "shop")
    refused = shop.refused("deploy", "shop", "--strategy", "direct-zip")
    assert refused.what == "function shop is there as an image, and was built as a zip"
    assert refused.why.endswith("has PackageType Image, which Lambda never changes")
    assert "another name" in refused.hint
    assert told(shop)["line"] == 1


def test_verified_on_this_machine(shop: Command) -> None:
    found = shop.json("verify", "shop")
    assert found["passed"]
    assert [check["name"] for check in found["checks"]] == ["imports"]


def test_pushed_by_others_with_the_password_that_the_aws_cli_gives(
    shop: Command, tmp_path: Path
) -> None:
    shop("build", "shop")
    aws = Aws(exports(shop("local", "env").out))
    ecr = aws.client("ecr")
    uri = ecr.create_repository(repositoryName="theirs/app")["repository"]["repositoryUri"]
    cli = Path(shop.cache) / "aws-cli" / "bin" / "aws"
    password = (
        subprocess.run(
            [str(cli), "ecr", "get-login-password"],
            env={**shop.environ, **aws.variables},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        if cli.exists()
        else _password(ecr)
    )
    copied = skopeo_to(layout(shop), f"{uri}:v1", password)
    assert copied.returncode == 0, copied.stderr
    digest = digest_of(f"oci:{layout(shop)}:latest")
    (image,) = ecr.describe_images(repositoryName="theirs/app")["imageDetails"]
    assert (image["imageDigest"], image["imageTags"]) == (digest, ["v1"])
    refused = skopeo_to(layout(shop), f"{uri}:v2", "wrong")
    assert "authentication required" in refused.stderr
    missing = skopeo_to(layout(shop), f"{uri}-not-there:v1", password)
    assert "name unknown" in missing.stderr
    ecr.batch_delete_image(repositoryName="theirs/app", imageIds=[{"imageTag": "v1"}])
    assert ecr.list_images(repositoryName="theirs/app")["imageIds"] == []


def _password(ecr: Any) -> str:
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().removeprefix("AWS:")


def skopeo_to(source: Path, uri: str, password: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"),
            *("--dest-creds", f"AWS:{password}", f"oci:{source}:latest", f"docker://{uri}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_base_by_tag_is_pinned_by_digest_until_it_is_asked_for_anew(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, bases: BaseRegistry
) -> None:
    command = project(
        tmp_path / "a",
        shared_cache(tmp_path_factory),
        bases,
        TABLE + 'image_base = "public.ecr.aws/lambda/moving:1"\n',
    )
    bases.push("lambda/moving:1")
    command("build", "shop")
    before = manifest(command)
    assert before["image"]["base"] == "public.ecr.aws/lambda/moving:1"
    lock = (command.folder / "images.lock.toml").read_text()
    assert f'digest = "{before["image"]["base_digest"]}"' in lock
    bases.push("lambda/moving:1", bases.changed(tmp_path / "changed"))
    command("build", "shop")
    assert manifest(command) == before
    assert (command.folder / "images.lock.toml").read_text() == lock
    # The same commit elsewhere builds on the same bytes.
    other = project(
        tmp_path / "b",
        tmp_path / "another-cache",
        bases,
        (command.folder / "wideload.toml").read_text(),
    )
    shutil.copy(command.folder / "images.lock.toml", other.folder)
    shutil.copy(command.folder / "src" / "pylock.shop.toml", other.folder / "src")
    other("build", "shop")
    assert manifest(other) == before
    assert digest_of(f"oci:{layout(other)}:latest") == digest_of(f"oci:{layout(command)}:latest")
    command("build", "shop", "--upgrade")
    after = manifest(command)
    assert after["image"]["base_digest"] != before["image"]["base_digest"]
    assert after["image"]["base_digest"] in (command.folder / "images.lock.toml").read_text()


def test_other_tools_read_the_layout_and_the_archive(shop: Command, tmp_path: Path) -> None:
    edit(shop, 1)
    archive = tmp_path / "shop.tar"
    shop("build", "shop", "--image-archive", str(archive))
    digest = f"sha256:{manifest(shop)['artifacts'][0]['sha256']}"
    assert digest_of(f"oci:{layout(shop)}:latest") == digest
    assert digest_of(f"oci-archive:{archive}") == digest
    for number, source in enumerate((f"oci-archive:{archive}", f"docker-archive:{archive}")):
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", source, f"oci:{tmp_path / str(number)}:x"],
            check=True,
            capture_output=True,
        )
    assert digest_of(f"oci:{tmp_path / '0'}:x") == digest
    bundle = tmp_path / "unpacked"
    subprocess.run(
        ["umoci", "unpack", "--rootless", "--image", f"{layout(shop)}:latest", str(bundle)],
        check=True,
        capture_output=True,
    )
    assert (bundle / "rootfs" / "var" / "task" / "app.py").read_text() == APP
    process = json.loads((bundle / "config.json").read_bytes())["process"]
    assert process["args"] == ["/lambda-entrypoint.sh", "app.handler"]
    assert process["cwd"] == "/var/task"
    again = tmp_path / "again.tar"
    shop("build", "shop", "--image-archive", str(again))
    assert again.read_bytes() == archive.read_bytes()


def test_a_base_that_cannot_be_asked(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, bases: BaseRegistry
) -> None:
    command = project(tmp_path / "a", shared_cache(tmp_path_factory), bases)
    nowhere = {"WIDELOAD_REGISTRY_MIRRORS": "public.ecr.aws=127.0.0.1:9"}
    command = Command(command.folder, command.cache, **nowhere)
    done = command("plan", "shop")
    assert "note: the registry 127.0.0.1:9 could not be reached" in done.err
    assert "image" in done.out
    refused = command.refused("build", "shop")
    assert refused.what == "the registry 127.0.0.1:9 could not be reached"
    assert not (command.folder / "images.lock.toml").exists()
    gone = Command(command.folder, command.cache, **bases.environ)
    (command.folder / "wideload.toml").write_text(TABLE + 'image_base = "public.ecr.aws/no/such:1"')
    refused = gone.refused("build", "shop")
    assert "MANIFEST_UNKNOWN" in refused.why or "NAME_UNKNOWN" in refused.why


ENGINE = """\
#!/bin/sh
case "$1" in
save) cp "{archive}" "$5" ;;
esac
"""


def test_an_engines_image_is_deployed_as_any(
    shop: Command, tmp_path: Path, bases: BaseRegistry
) -> None:
    edit(shop, 7)
    archive = tmp_path / "made.tar"
    shop("build", "shop", "--image-archive", str(archive))
    digest = manifest(shop)["artifacts"][0]["sha256"]
    (tmp_path / "bin").mkdir()
    podman = tmp_path / "bin" / "podman"
    podman.write_text(ENGINE.format(archive=archive))
    podman.chmod(0o755)
    config = (shop.folder / "wideload.toml").read_text()
    (shop.folder / "src" / "Dockerfile").write_text("FROM scratch\n")
    (shop.folder / "wideload.toml").write_text(config + 'image_file = "Dockerfile"\n')
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    other = Command(shop.folder, shop.cache, PATH=path, **bases.environ)
    try:
        other("deploy", "shop")
        assert manifest(other)["image"]["base"] == "Dockerfile, built by podman"
        assert manifest(other)["artifacts"][0]["sha256"] == digest
        assert told(other)["line"] == 7
    finally:
        (shop.folder / "wideload.toml").write_text(config)


def test_destroyed_with_all_its_images(shop: Command) -> None:
    edit(shop, 1)
    shop("deploy", "shop")
    shop("destroy", "shop", "--yes")
    aws = Aws(exports(shop("local", "env").out))
    names = [one["repositoryName"] for one in repositories(aws)]
    assert "wideload/shop" not in names
    assert aws.client("lambda").list_functions()["Functions"] == []


def repositories(aws: Aws) -> list[Any]:
    found: list[Any] = aws.client("ecr").describe_repositories()["repositories"]
    return found


def example(folder: Path, cache: Path, bases: BaseRegistry, name: str, more: str) -> Command:
    shutil.copytree(
        EXAMPLES / name,
        folder / name,
        ignore=shutil.ignore_patterns(".wideload", "pylock.*", "*.pyc"),
    )
    (folder / "wideload.toml").write_text(
        f'[functions.{name}]\nsource = "{name}"\nhandler = "app.handler"\n'
        f'runtime = "python3.13"\nstrategy = "image"\n{more}'
    )
    return Command(folder, cache, **bases.environ)


def life_of(command: Command, name: str) -> None:
    """Deployed, right; a line changed, little sent, right; rolled back, right."""
    source = command.folder / name
    expected = json.loads((source / "expected.json").read_bytes())

    def right() -> bool:
        answer = command("invoke", name, "--event", str(source / "event.json")).json()
        return bool(answer == expected)

    first = command.json("deploy", name)
    assert first["version"] == "1"
    assert right()
    app = source / "app.py"
    app.write_text(f"# a line\n{app.read_text()}")
    second = command.json("deploy", name)
    assert second["version"] == "2"
    assert 0 < second["uploaded_bytes"] <= SMALL
    assert right()
    command("rollback", name)
    assert right()


@pytest.mark.heavy
def test_the_recommender_as_an_image(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, bases: BaseRegistry
) -> None:
    cache = shared_cache(tmp_path_factory)
    command = example(tmp_path, cache, bases, "recommender", "memory = 1769\ntimeout = 30\n")
    try:
        life_of(command, "recommender")
    finally:
        command("local", "down")


@pytest.mark.heavy
def test_the_classifier_as_an_image(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, bases: BaseRegistry
) -> None:
    more = "memory = 3008\ntimeout = 120\n"
    cache = shared_cache(tmp_path_factory)
    command = example(tmp_path, cache, bases, "classifier", more)
    model = command.folder / "classifier" / "inception.weights.h5"
    assert model.exists(), "make it first, as examples/classifier/README.md says"
    try:
        life_of(command, "classifier")
        unzipped = manifest(command, "classifier")["artifacts"][0]["unzipped_bytes"]
        assert unzipped > 1_000_000_000
    finally:
        command("local", "down")
