"""Layers of another account beside a function: on the embedded AWS, and verified."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from e2e_command import Aws, exports, shared_cache
from e2e_shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

OTHER = "111122223333"
APP = """\
import both
import first
import second
from pathlib import Path


def handler(event, context):
    opt = sorted(str(path) for path in Path("/opt").rglob("*") if path.is_file())
    return [both.WHO, first.WHO, second.WHO, opt]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"), shared_cache(tmp_path_factory))
    yield shop
    shop.wideload("local", "down")


@pytest.fixture(scope="module")
def other(shop: Shop) -> Aws:
    return Aws(exports(shop.wideload("local", "env", "--account", OTHER).out))


def published(other: Aws, name: str, *modules: str, share: bool = True) -> str:
    """A layer whose modules say its name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for module in modules:
            entry = zipfile.ZipInfo(f"python/{module}.py")
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, f"WHO = {name!r}\n")
    functions = other.client("lambda")
    made = functions.publish_layer_version(LayerName=name, Content={"ZipFile": out.getvalue()})
    if share:
        functions.add_layer_version_permission(
            LayerName=name,
            VersionNumber=made["Version"],
            StatementId="shop",
            Action="lambda:GetLayerVersion",
            Principal="123456789012",
        )
    return str(made["LayerVersionArn"])


def test_later_layers_lie_on_top_wherever_it_runs(shop: Shop, other: Aws) -> None:
    arns = [published(other, "one", "both", "first"), published(other, "two", "both", "second")]
    assert all(f":{OTHER}:layer:" in arn for arn in arns)
    shop.function("layered", f"layers = {json.dumps(arns)}")
    shop.change("layered", APP)
    files = [f"/opt/python/{module}.py" for module in ("both", "first", "second")]
    expected = ["two", "one", "two", files]
    (shop.folder / "layered" / "expected.json").write_text(json.dumps(expected))
    verdict = shop.wideload.json("verify", "layered")
    assert verdict["passed"], verdict
    shop.wideload("deploy", "layered")
    assert shop.wideload("invoke", "layered").json() == expected
    # The other way round the other one is on top: nothing but the order changed.
    config = shop.folder / "wideload.toml"
    config.write_text(config.read_text().replace(json.dumps(arns), json.dumps(arns[::-1])))
    expected[0] = "one"
    (shop.folder / "layered" / "expected.json").write_text(json.dumps(expected))
    assert shop.wideload.json("verify", "layered")["passed"]
    shop.wideload("deploy", "layered")
    assert shop.wideload("invoke", "layered").json() == expected
    record = (shop.folder / "layers.lock.toml").read_text()
    assert all(arn in record for arn in arns)


def test_what_is_no_longer_shared_cannot_be_deployed(shop: Shop, other: Aws) -> None:
    arn = published(other, "leaving", "both")
    shop.function("left", f"layers = [{json.dumps(arn)}]")
    shop.wideload("plan", "left")
    other.client("lambda").remove_layer_version_permission(
        LayerName="leaving", VersionNumber=1, StatementId="shop"
    )
    refused = shop.wideload.refused("deploy", "left")
    assert "AccessDeniedException" in refused.why
    assert arn in refused.why
    assert f"layer {arn} may not be read" in refused.before


def test_an_account_is_twelve_digits(shop: Shop) -> None:
    assert "twelve" in shop.wideload.refused("local", "env", "--account", "me").why
