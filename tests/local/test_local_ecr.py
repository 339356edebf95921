"""ECR of the embedded AWS: repositories, logins, and a real registry behind them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import urllib3
from local_aws import Aws, policy, refused, start

from image_maker import BaseMaker
from wideload.cache import Cache
from wideload.local import daemon
from wideload.local.boundaries import ImageRefused
from wideload.local.images.front import RegistryFront
from wideload.local.images.process import RegistryProcess
from wideload.local.images.pulling import Images
from wideload.local.images.tokens import LIFETIME, Registry, Tokens
from wideload.local.request import Request
from wideload.registry.challenge import Credentials
from wideload.registry.http import RegistryHttp
from wideload.registry.repository import Repository
from wideload.values.image import OCI_LAYER, Descriptor

if TYPE_CHECKING:
    pass

HERE = Registry("123456789012", "us-east-1")


def password(aws: Aws) -> str:
    data = aws.client("ecr").get_authorization_token()["authorizationData"][0]
    assert data["proxyEndpoint"] == aws.endpoint.url
    user, _, word = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    assert user == "AWS"
    return word


def repository(aws: Aws) -> str:
    name = f"team/app-{uuid4().hex[:8]}"
    made = aws.client("ecr").create_repository(repositoryName=name)["repository"]
    host = aws.endpoint.url.removeprefix("http://")
    assert made["repositoryUri"] == f"{host}/{name}"
    return name


def push(aws: Aws, layout: Path, name: str, tag: str, word: str = "") -> str:
    """Push by another tool; what it says, empty where it went well."""
    host = aws.endpoint.url.removeprefix("http://")
    done = subprocess.run(
        [
            *("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"),
            *("--dest-creds", f"AWS:{word or password(aws)}", f"oci:{layout}:latest"),
            f"docker://{host}/{name}:{tag}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An image, and its digest."""
    maker = BaseMaker(tmp_path_factory.mktemp("image") / "layout")
    image = maker.image([{"bin/a": "x" * 100_000}, {"bin/b": "y"}])
    return maker.named(latest=image), image["digest"]


def test_images_are_pushed_told_of_and_deleted(aws: Aws, layout: tuple[Path, str]) -> None:
    folder, digest = layout
    ecr, name = aws.client("ecr"), repository(aws)
    assert ecr.describe_images(repositoryName=name)["imageDetails"] == []
    assert push(aws, folder, name, "v1") == ""
    assert push(aws, folder, name, "v2") == ""
    (image,) = ecr.describe_images(repositoryName=name)["imageDetails"]
    assert image["imageDigest"] == digest
    assert image["imageTags"] == ["v1", "v2"]
    assert abs(image["imagePushedAt"].timestamp() - time.time()) < 60
    ids = ecr.list_images(repositoryName=name)["imageIds"]
    assert ids == [{"imageDigest": digest, "imageTag": tag} for tag in ("v1", "v2")]
    got = ecr.batch_get_image(
        repositoryName=name, imageIds=[{"imageTag": "v1"}, {"imageTag": "none"}]
    )
    assert [one["imageId"]["imageDigest"] for one in got["images"]] == [digest]
    assert got["failures"][0]["failureCode"] == "ImageNotFound"
    layers = [one["digest"] for one in json.loads(got["images"][0]["imageManifest"])["layers"]]
    there = ecr.batch_check_layer_availability(
        repositoryName=name, layerDigests=[*layers, f"sha256:{'0' * 64}"]
    )["layers"]
    assert [one["layerAvailability"] for one in there] == [
        *("AVAILABLE", "AVAILABLE", "UNAVAILABLE")
    ]
    with refused("RepositoryNotEmptyException"):
        ecr.delete_repository(repositoryName=name)
    # The first tag goes alone, the last one with the image.
    ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "v1"}])
    (image,) = ecr.describe_images(repositoryName=name)["imageDetails"]
    assert image["imageTags"] == ["v2"]
    ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "v2"}])
    with refused("ImageNotFoundException"):
        ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "v2"}])
    assert ecr.list_images(repositoryName=name)["imageIds"] == []
    ecr.delete_repository(repositoryName=name)
    with refused("RepositoryNotFoundException"):
        ecr.list_images(repositoryName=name)


def test_a_repository_that_is_deleted_leaves_nothing(aws: Aws, layout: tuple[Path, str]) -> None:
    ecr, name = aws.client("ecr"), repository(aws)
    assert push(aws, layout[0], name, "v1") == ""
    ecr.delete_repository(repositoryName=name, force=True)
    assert "name unknown" in push(aws, layout[0], name, "v1")
    ecr.create_repository(repositoryName=name)
    assert ecr.list_images(repositoryName=name)["imageIds"] == []


def test_only_who_has_the_password_gets_in(aws: Aws, layout: tuple[Path, str]) -> None:
    name = repository(aws)
    assert "authentication required" in push(aws, layout[0], name, "v1", "wrong")
    told = urllib3.request("GET", f"{aws.endpoint.url}/v2/", retries=False)
    assert told.status == 401
    assert told.headers["www-authenticate"].startswith("Basic realm=")
    forged = base64.urlsafe_b64encode(bytes(32) + b'["123456789012","us-east-1",9e9]').decode()
    assert "authentication required" in push(aws, layout[0], name, "v1", forged)


def test_who_may_not_ask_for_a_password_gets_none(aws: Aws) -> None:
    allowed = {"Action": "s3:ListBucket", "Resource": "*"}
    arn = aws.role(allowed, service="ec2.amazonaws.com")
    trust = policy({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    aws.iam.update_assume_role_policy(RoleName=arn.rpartition("/")[2], PolicyDocument=trust)
    with refused("AccessDeniedException"):
        aws.assume(arn).client("ecr").get_authorization_token()


def test_regions_have_repositories_of_their_own(aws: Aws, layout: tuple[Path, str]) -> None:
    name = repository(aws)
    elsewhere = aws.with_keys(region="eu-west-1")
    assert "name unknown" in push(aws, layout[0], name, "v1", password(elsewhere))
    elsewhere.client("ecr").create_repository(repositoryName=name)
    assert push(aws, layout[0], name, "v1", password(elsewhere)) == ""
    assert elsewhere.client("ecr").list_images(repositoryName=name)["imageIds"] != []
    assert aws.client("ecr").list_images(repositoryName=name)["imageIds"] == []


def client(aws: Aws) -> RegistryHttp:
    host = aws.endpoint.url.removeprefix("http://")
    return RegistryHttp(host, Credentials("AWS", password(aws)))


def test_blobs_are_mounted_from_another_repository(aws: Aws, tmp_path: Path) -> None:
    data = os.urandom(20_000_000)
    (tmp_path / "blob").write_bytes(data)
    blob = Descriptor(OCI_LAYER, f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))
    one, other = repository(aws), repository(aws)
    http = client(aws)
    # In chunks, which go on where the answer says.
    assert Repository(http, one).add(blob, tmp_path / "blob") == len(data)
    assert Repository(http, other).add(blob, tmp_path / "nowhere", one) == 0
    kept = Repository(http, other).fetch(blob, Cache(tmp_path / "cache"))
    assert kept.read_bytes() == data
    assert Repository(http, other).tail(blob, 4) == data[-4:]


def test_nothing_is_deleted_through_the_registry(aws: Aws, layout: tuple[Path, str]) -> None:
    name = repository(aws)
    assert push(aws, layout[0], name, "v1") == ""
    url = f"{aws.endpoint.url}/v2/{name}/manifests/{layout[1]}"
    headers = urllib3.make_headers(basic_auth=f"AWS:{password(aws)}")
    assert urllib3.request("DELETE", url, headers=headers).status == 405
    assert aws.client("ecr").list_images(repositoryName=name)["imageIds"] != []


def registries(state: Path) -> list[int]:
    """Registry processes of a state folder."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
            if not words[0].endswith("docker-registry"):
                continue
            if str(state) in Path(words[2]).read_text():
                found.append(int(process.name))
        except (OSError, IndexError):  # it has ended
            continue
    return found


def test_it_comes_when_it_is_needed_and_goes_however_the_rest_goes(
    tmp_path: Path, layout: tuple[Path, str]
) -> None:
    aws = start(tmp_path / "state")
    try:
        name = repository(aws)
        assert registries(tmp_path) == []
        assert push(aws, layout[0], name, "v1") == ""
        assert len(registries(tmp_path)) == 1
        running = daemon.status(tmp_path / "state")
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while registries(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert registries(tmp_path) == []
        aws = start(tmp_path / "state")
        (image,) = aws.client("ecr").describe_images(repositoryName=name)["imageDetails"]
        assert image["imageDigest"] == layout[1]
    finally:
        daemon.stop(tmp_path / "state")
    assert registries(tmp_path) == []


def test_without_a_registry_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    process = RegistryProcess(tmp_path / "storage", tmp_path / "log")
    tokens = Tokens()

    class Everything:
        def exists(self, registry: Registry, name: str) -> bool:
            return True

    word, _ = tokens.make(HERE)
    pair = base64.b64encode(f"AWS:{word}".encode()).decode()
    request = Request(
        method="GET",
        raw_path="/v2/shop/manifests/latest",
        query=(),
        headers={"authorization": f"Basic {pair}"},
        body=None,
        length=0,
        request_id="1",
    )
    reply = RegistryFront(process, tokens, Everything()).answer(request)
    assert reply.status == 503
    assert "Debian's and Ubuntu's package is `docker-registry`" in reply.body.decode()


def test_passwords_end_after_half_a_day() -> None:
    now = [1000.0]
    tokens = Tokens(lambda: now[0])
    word, until = tokens.make(HERE)
    header = f"Basic {base64.b64encode(f'AWS:{word}'.encode()).decode()}"
    assert until == 1000 + LIFETIME
    assert tokens.registry(header) == HERE
    now[0] = until
    assert tokens.registry(header) is None
    assert Tokens(lambda: 1000.0).registry(header) is None


@pytest.fixture
def pulled(aws: Aws, tmp_path: Path) -> Images:
    """Images as the Lambda service takes them, over this AWS's registry."""
    word = password(aws)

    class Known(Tokens):
        def make(self, registry: Registry) -> tuple[str, float]:
            return word, 0.0

    return Images(tmp_path / "images", Known(), lambda: aws.endpoint.url.removeprefix("http://"))


def test_lambda_takes_one_image_and_no_index(aws: Aws, pulled: Images, tmp_path: Path) -> None:
    name = repository(aws)
    host = aws.endpoint.url.removeprefix("http://")
    maker = BaseMaker(tmp_path / "layout")
    image = maker.image([{"entry": "x"}], Cmd=["app.handler"], WorkingDir="/var/task")
    assert push(aws, maker.named(latest=image), name, "one") == ""
    found = pulled.find(HERE.account, HERE.region, f"{host}/{name}:one")
    assert found.manifest.digest == image["digest"]
    assert found.resolved_uri == f"{host}/{name}@{image['digest']}"
    assert (found.entrypoint, found.command) == (("/lambda-entrypoint.sh",), ("app.handler",))
    assert found.variables == {"LAMBDA_TASK_ROOT": "/var/task"}
    public = f"{HERE.account}.dkr.ecr.{HERE.region}.amazonaws.com/{name}:one"
    assert pulled.find(HERE.account, HERE.region, public).manifest == found.manifest
    root = pulled.root(HERE.account, HERE.region, found, 1 << 30)
    assert (root / "entry").read_text() == "x"
    # What `docker buildx` pushes with its attestations.
    index = maker.index(("linux/amd64", image), ("unknown/unknown", maker.image([{"a": "b"}])))
    folder = maker.named(latest=index)
    host_name = f"docker://{host}/{name}:index"
    subprocess.run(
        [
            *("skopeo", "--insecure-policy", "copy", "--all", "--dest-tls-verify=false"),
            *("--dest-creds", f"AWS:{password(aws)}", f"oci:{folder}:latest", host_name),
        ],
        check=True,
        capture_output=True,
    )
    uri = f"{host}/{name}:index"
    assert words(pulled, uri) == (
        f"The image manifest, config or layer media type for the source image {uri} is not "
        "supported."
    )


def test_lambda_takes_images_of_its_own_registry_only(aws: Aws, pulled: Images) -> None:
    name = repository(aws)
    host = aws.endpoint.url.removeprefix("http://")
    for uri in ("no image!", "docker.io/library/python:3", f"999999999999.{host}/{name}:a"):
        assert words(pulled, uri) == (
            f"Source image {uri} is not valid. Provide a valid source image."
        )
    for uri in (f"{host}/{name}:none", f"{host}/not/there:a"):
        assert words(pulled, uri) == (
            f"Source image {uri} does not exist. Provide a valid source image."
        )


def words(images: Images, uri: str) -> str:
    with pytest.raises(ImageRefused) as caught:
        images.find(HERE.account, HERE.region, uri)
    return str(caught.value)


def test_pushing_by_the_api_is_told_to_be_none(aws: Aws) -> None:
    ecr: Any = aws.client("ecr")
    with refused("UnsupportedOperationException"):
        ecr.initiate_layer_upload(repositoryName=repository(aws))
