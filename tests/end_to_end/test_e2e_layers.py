"""The strategy `layers` from the command line: split, deployed, run, changed, gone back, swept."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from e2e_command import Command, shared_cache
from e2e_shop import Shop

from local_index import LocalIndex
from wheel_maker import wheel
from wideload.deploy import operate
from wideload.deploy.aws import Aws
from wideload.deploy.execute import execute

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

APP = """\
import heavy
import light
import six_like

VERSION = 1


def handler(event, context):
    return {"version": VERSION, "heavy": heavy.NUMBER, "light": light.NUMBER,
            "from": [heavy.__file__, light.__file__, six_like.__file__]}
"""
FROM = ["/opt/python/heavy/__init__.py", "/opt/python/light/__init__.py", "/var/task/six_like.py"]
LAYERED = """\
requirements = "requirements.txt"
strategy = "layers"
split = { heavy = 1, light = 2, six-like = "function" }"""


def versioned(name: str, number: int) -> Any:
    return wheel(name, f"{number}.0", files={f"{name}/__init__.py": f"NUMBER = {number}\n" * 100})


@pytest.fixture(scope="module")
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as index:
        index.add(versioned("heavy", 1), versioned("light", 1), wheel("six-like"))
        yield index


@pytest.fixture(scope="module")
def shop(index: LocalIndex, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    cache = shared_cache(tmp_path_factory)
    shop = Shop(tmp_path_factory.mktemp("shop"), cache)
    # The embedded AWS was started without: it fetches what a runtime carries from elsewhere.
    shop.wideload = Command(
        shop.folder, cache, UV_DEFAULT_INDEX=index.url, NO_PROXY="127.0.0.1", UV_NO_CONFIG="1"
    )
    yield shop
    shop.wideload("local", "down")


def layered(shop: Shop, name: str) -> None:
    """A function with two layers."""
    shop.function(name, LAYERED)
    (shop.folder / name / "requirements.txt").write_text("heavy\nlight\nsix-like\n")
    shop.change(name, APP)


def edit(shop: Shop, name: str, version: int) -> None:
    shop.change(name, APP.replace("VERSION = 1", f"VERSION = {version}"))


def kinds(result: Any) -> list[str]:
    return [line["do"] for line in result["instructions"]]


def answer(shop: Shop, name: str) -> Any:
    return shop.wideload("invoke", name).json()


def layers_of(shop: Shop, name: str, qualifier: str = "live") -> list[str]:
    found = shop.aws.client("lambda").get_function_configuration(
        FunctionName=name, Qualifier=qualifier
    )
    return [layer["Arn"] for layer in found["Layers"]]


def aws_of(shop: Shop) -> Aws:
    variables = shop.aws.variables
    return Aws(
        region=variables["AWS_REGION"],
        endpoint=variables["AWS_ENDPOINT_URL"],
        keys=(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]),
    )


def test_it_is_split_deployed_and_run(shop: Shop) -> None:
    layered(shop, "whole")
    first = shop.wideload.json("deploy", "whole")
    assert first["strategy"] == "layers"
    assert kinds(first).count("publish-layer") == 2
    assert answer(shop, "whole") == {"version": 1, "heavy": 1, "light": 1, "from": FROM}
    assert len(layers_of(shop, "whole")) == 2
    assert shop.wideload.json("deploy", "whole")["instructions"] == []
    folder = shop.folder / ".wideload" / "build" / "whole"
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.zip")}
    assert first["uploaded_bytes"] == sum(sizes.values())
    found = shop.wideload.json("verify", "whole")
    assert found["passed"], "on this machine the layers lie at /opt as well"


def test_changed_code_is_uploaded_alone(shop: Shop) -> None:
    layered(shop, "code")
    shop.wideload("deploy", "code")
    edit(shop, "code", 2)
    result = shop.wideload.json("deploy", "code")
    assert kinds(result)[0] == "update-code"
    function = shop.folder / ".wideload" / "build" / "code" / "function.zip"
    assert result["uploaded_bytes"] == function.stat().st_size
    assert answer(shop, "code")["version"] == 2


def test_a_second_function_shares_the_layers_of_the_first(shop: Shop) -> None:
    layered(shop, "one")
    shop.wideload("deploy", "one")
    layered(shop, "two")
    edit(shop, "two", 7)
    result = shop.wideload.json("deploy", "two")
    assert "publish-layer" not in kinds(result)
    assert "upload-object" not in kinds(result)
    assert layers_of(shop, "one") == layers_of(shop, "two")
    assert answer(shop, "two")["version"] == 7


def test_a_new_version_of_a_light_package_republishes_one_layer_and_rolls_back(
    shop: Shop, index: LocalIndex
) -> None:
    layered(shop, "bump")
    shop.wideload("deploy", "bump")
    heavy, light = layers_of(shop, "bump")
    index.add(versioned("light", 2))
    result = shop.wideload.json("deploy", "bump", "--upgrade")
    assert kinds(result).count("publish-layer") == 1
    assert kinds(result)[-1] == "update-alias"
    folder = shop.folder / ".wideload" / "build" / "bump"
    assert result["uploaded_bytes"] == (folder / "layer-2.zip").stat().st_size
    now = layers_of(shop, "bump")
    assert now[0] == heavy
    assert now[1] != light
    assert answer(shop, "bump")["light"] == 2
    shop.wideload("rollback", "bump")
    assert answer(shop, "bump")["light"] == 1, "the old version keeps its layers"
    assert layers_of(shop, "bump") == [heavy, light]
    shop.wideload("deploy", "bump")
    assert answer(shop, "bump")["light"] == 2


def test_what_nothing_uses_is_swept_and_nothing_else(shop: Shop) -> None:
    layered(shop, "gone")
    (shop.folder / "gone" / "requirements.txt").write_text("heavy==1.0\nlight==1.0\nsix-like\n")
    config = shop.folder / "wideload.toml"
    config.write_text(config.read_text().replace("heavy = 1, light = 2", "heavy = 1, light = 1"))
    shop.wideload("deploy", "gone")
    (layer,) = layers_of(shop, "gone")
    shop.wideload("destroy", "gone", "--yes")
    young = shop.wideload("gc", "--dry-run")
    name = layer.split(":")[-2]
    assert f"note: version 1 of layer {name} (heavy 1.0, light 1.0) stays" in young.err
    assert "less than an hour old" in young.err
    assert name not in young.out
    aws = aws_of(shop)
    in_use = aws.layers.in_use()
    sweep = operate.sweep(aws, now=time.time() + 7200)
    lines = [one.describe() for one in sweep.instructions]
    assert f"delete version 1 of layer {name} (heavy 1.0, light 1.0)" in lines
    execute(sweep.instructions, aws)
    there = {version.arn for version in aws.layers.listed("wideload-")}
    assert layer not in there
    assert in_use <= there
    assert operate.sweep(aws, now=time.time() + 7200).instructions == ()


def test_a_dry_run_tells_what_would_be_published(shop: Shop, index: LocalIndex) -> None:
    layered(shop, "dry")
    index.add(versioned("heavy", 3))
    shown = shop.wideload("deploy", "dry", "--dry-run").out
    assert "publish layer wideload-" in shown
    done = shop.wideload.json("deploy", "dry")
    assert [line["text"] for line in done["instructions"]] == shown.splitlines()
    assert json.loads(shop.wideload("invoke", "dry").out)["heavy"] == 3
