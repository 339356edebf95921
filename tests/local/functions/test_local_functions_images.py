"""Functions that are images: taken by digest, pulled before they serve, run as they say."""

from __future__ import annotations

from typing import Any

import pytest
from lambda_world import ROLE, World, eventually, refusal, zipped

from wideload import limits
from wideload.errors import WideloadError
from wideload.local.boundaries import PulledImage
from wideload.rootfs import TooBig
from wideload.values.image import OCI_MANIFEST, Descriptor

pytest_plugins = ["lambda_fixture"]

HOST = "127.0.0.1:5000"


def known(world: World, name: str = "a") -> str:
    """An image that is there; its URI."""
    digest = f"sha256:{name * 64}"
    uri = f"{HOST}/shop:{name}"
    world.images.known[uri] = PulledImage(
        uri=uri,
        resolved_uri=f"{HOST}/shop@{digest}",
        repository="shop",
        manifest=Descriptor(OCI_MANIFEST, digest, 100),
        layers=(),
        entrypoint=("/entry",),
        command=("app.handler",),
        working_directory="/var/task",
        variables={"LANG": "C", "PATH": "/bin"},
    )
    return uri


def create(world: World, name: str = "shop", **changes: Any) -> dict[str, Any]:
    request: dict[str, Any] = {
        "FunctionName": name,
        "Role": ROLE,
        "PackageType": "Image",
        "Code": {"ImageUri": known(world)},
        **changes,
    }
    answer: dict[str, Any] = dict(world.client().create_function(**request))
    return answer


def state(world: World, name: str = "shop") -> Any:
    return world.client().get_function_configuration(FunctionName=name)


def active(world: World, name: str = "shop") -> bool:
    found = state(world, name)
    return bool(found["State"] == "Active" and found["LastUpdateStatus"] == "Successful")


def called(world: World, name: str = "shop", **more: Any) -> bytes:
    payload: bytes = world.client().invoke(FunctionName=name, **more)["Payload"].read()
    return payload


def test_it_is_told_as_lambda_tells_images(world: World) -> None:
    create(world)
    eventually(lambda: active(world))
    answer = world.client().get_function(FunctionName="shop")
    configuration = answer["Configuration"]
    assert configuration["PackageType"] == "Image"
    assert configuration["CodeSize"] == 0
    assert configuration["CodeSha256"] == "a" * 64
    assert not {"Runtime", "Handler", "RuntimeVersionConfig", "Layers"} & configuration.keys()
    assert answer["Code"] == {
        "RepositoryType": "ECR",
        "ImageUri": f"{HOST}/shop:a",
        "ResolvedImageUri": f"{HOST}/shop@sha256:{'a' * 64}",
    }
    (listed,) = world.client().list_functions()["Functions"]
    assert (listed["PackageType"], listed["CodeSha256"]) == ("Image", "a" * 64)


def test_it_is_pending_until_it_is_pulled(world: World) -> None:
    world.images.pulls.clear()
    assert create(world)["State"] == "Pending"
    code, message, _ = refusal(lambda: called(world))
    assert code == "ResourceConflictException"
    assert message.endswith("in the following state: Pending")
    world.images.pulls.set()
    eventually(lambda: active(world))
    called(world)


def test_the_old_image_serves_until_the_new_one_is_there(world: World) -> None:
    create(world)
    eventually(lambda: active(world))
    called(world)
    world.images.pulls.clear()
    world.client().update_function_code(FunctionName="shop", ImageUri=known(world, "b"))
    assert state(world)["LastUpdateStatus"] == "InProgress"
    called(world)
    assert [one.spec.version for one in world.sandbox.started] == ["$LATEST"]
    world.images.pulls.set()
    eventually(lambda: active(world))
    called(world)
    assert len(world.sandbox.started) == 2
    assert state(world)["CodeSha256"] == "b" * 64


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (
            TooBig(),
            "InvalidImage(SizeLimitExceeded: Uncompressed container image size exceeds",
        ),
        (WideloadError("a layer of the image is damaged", why="bad"), "a layer of the image"),
    ],
)
def test_an_image_that_is_none_fails_and_the_old_one_serves_on(
    world: World, failure: Exception, reason: str
) -> None:
    create(world)
    eventually(lambda: active(world))
    uri = known(world, "b")
    world.images.failing[uri] = failure
    world.client().update_function_code(FunctionName="shop", ImageUri=uri)
    eventually(lambda: state(world)["LastUpdateStatus"] == "Failed")
    found = state(world)
    assert found["State"] == "Active"
    assert found["LastUpdateStatusReasonCode"] == "InvalidImage"
    assert found["LastUpdateStatusReason"].startswith(reason)
    called(world)
    assert len(world.sandbox.started) == 1


def test_a_new_function_whose_image_is_none(world: World) -> None:
    uri = known(world)
    world.images.failing[uri] = TooBig()
    create(world)
    eventually(lambda: state(world)["State"] == "Failed")
    assert state(world)["StateReasonCode"] == "InvalidImage"
    broken = limits.check_image(limits.IMAGE_SIZE + 1)
    assert broken is not None
    assert state(world)["StateReason"] == broken.aws_error


def test_what_an_environment_is_started_from(world: World) -> None:
    create(world, ImageConfig={"Command": ["other.handler"]}, MemorySize=512)
    eventually(lambda: active(world))
    called(world)
    spec = world.sandbox.started[0].spec
    assert spec.task == ""
    container = spec.container
    assert container is not None
    assert container.root == str(world.images.root_folder)
    assert (container.entrypoint, container.command) == (("/entry",), ("other.handler",))
    assert container.working_directory == "/var/task"
    assert container.variables == {"LANG": "C", "PATH": "/bin"}


def test_what_a_function_has_otherwise_than_its_image(world: World) -> None:
    create(world)
    eventually(lambda: active(world))
    client = world.client()
    assert "ImageConfigResponse" not in state(world)
    config = {"EntryPoint": ["/mine"], "Command": ["x"], "WorkingDirectory": "/srv"}
    client.update_function_configuration(
        FunctionName="shop",
        ImageConfig=config,  # type: ignore[arg-type]
    )
    eventually(lambda: active(world))
    assert state(world)["ImageConfigResponse"] == {"ImageConfig": config}
    called(world)
    container = world.sandbox.started[-1].spec.container
    assert container is not None
    assert (*container.entrypoint, *container.command) == ("/mine", "x")
    assert container.working_directory == "/srv"
    client.update_function_configuration(FunctionName="shop", ImageConfig={})
    eventually(lambda: active(world))
    assert "ImageConfigResponse" not in state(world)


def test_versions_keep_their_images(world: World) -> None:
    create(world)
    eventually(lambda: active(world))
    client = world.client()
    digest = "a" * 64
    assert client.publish_version(FunctionName="shop", CodeSha256=digest)["Version"] == "1"
    client.update_function_code(FunctionName="shop", ImageUri=known(world, "b"))
    eventually(lambda: active(world))
    client.publish_version(FunctionName="shop")
    versions = client.list_versions_by_function(FunctionName="shop")["Versions"]
    assert [one["CodeSha256"] for one in versions] == ["b" * 64, digest, "b" * 64]
    first = client.get_function(FunctionName="shop", Qualifier="1")
    assert first["Code"]["ImageUri"] == f"{HOST}/shop:a"


def test_pulling_goes_on_after_a_restart(world: World) -> None:
    world.images.pulls.clear()
    create(world)
    world.start()
    world.images.pulls.set()
    eventually(lambda: active(world))


def test_the_one_package_type_never_becomes_the_other(world: World) -> None:
    uri = known(world)
    create(world)
    eventually(lambda: active(world))
    world.create("zip")
    client = world.client()
    code, message, status = refusal(
        lambda: client.update_function_code(FunctionName="shop", ZipFile=zipped())
    )
    assert (code, status) == ("InvalidParameterValueException", 400)
    words = "Please don't provide {} when updating a function with packageType {}."
    assert message == words.format("ZipFile", "Image")
    _, message, _ = refusal(lambda: client.update_function_code(FunctionName="zip", ImageUri=uri))
    assert message == words.format("ImageUri", "Zip")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Code": {"ImageUri": f"{HOST}/shop:nope"}}, f"Source image {HOST}/shop:nope does not"),
        ({"Code": {"ZipFile": zipped()}}, "Please don't provide ZipFile when creating"),
        ({"Code": {}}, "Please provide ImageUri"),
        ({"Runtime": "python3.13"}, "Please don't provide Runtime"),
        ({"Handler": "app.handler"}, "Please don't provide Handler"),
        (
            {"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:x:1"]},
            "Please don't provide Layers",
        ),
    ],
)
def test_refusals(world: World, changes: dict[str, Any], words: str) -> None:
    code, message, _ = refusal(lambda: create(world, **changes))
    assert code == "InvalidParameterValueException"
    assert message.startswith(words)
    assert world.client().list_functions()["Functions"] == []
