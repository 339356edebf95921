"""Functions that are started from S3: planned, proven, deployed, invoked, updated, rolled back."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from e2e_command import EXAMPLES, Command, shared_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.heavy, pytest.mark.sandbox, pytest.mark.network]

SHOP = """\
[functions.shop]
handler = "app.handler"
runtime = "python3.13"
memory = 1769
timeout = 60
strategy = "s3-bootstrap"
"""
# Reads its own bundle, and tries another key, with what its role may.
APP = """\
import os
import boto3
import idna
from botocore.exceptions import ClientError
from urllib.parse import urlsplit

LINE = 1

def handler(event, context):
    place = urlsplit(os.environ["WIDELOAD_BUNDLE"])
    s3 = boto3.client("s3")
    told = {"line": LINE, "idna": idna.encode("grüße").decode(), "may": {}}
    tried = {"own": ("get_object", place.path[1:]), "other": ("get_object", "bundles/shop/other")}
    tried["write"] = ("put_object", place.path[1:])
    for name, (call, key) in tried.items():
        try:
            {"get_object": s3.get_object, "put_object": s3.put_object}[call](
                Bucket=place.netloc, Key=key
            )
            told["may"][name] = "yes"
        except ClientError as error:
            told["may"][name] = error.response["Error"]["Code"]
    return told
"""
ANSWER = {
    "line": 1,
    "idna": "xn--gre-6ka8l",
    "may": {"own": "yes", "other": "AccessDenied", "write": "AccessDenied"},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "wideload.toml").write_text(SHOP)
    (folder / "requirements.txt").write_text("idna==3.10\n")
    (folder / "app.py").write_text(APP)
    (folder / "event.json").write_text("{}")
    command = Command(folder, shared_cache(tmp_path_factory))
    yield command
    command("local", "down")


def invoked(project: Command, name: str, event: str = "event.json") -> Any:
    return project("invoke", name, "--event", event).json()


def test_the_role_reads_its_bundle_and_nothing_else(shop: Command) -> None:
    shop.json("deploy", "shop", "--to", "local")
    assert invoked(shop, "shop") == ANSWER


def test_changed_code_sends_no_bundle_and_a_rollback_reads_the_old_one(shop: Command) -> None:
    shop.json("deploy", "shop", "--to", "local")
    (shop.folder / "app.py").write_text(APP.replace("LINE = 1", "LINE = 2"))
    changed = shop.json("deploy", "shop", "--to", "local")
    assert "upload-object" not in [line["do"] for line in changed["instructions"]]
    assert invoked(shop, "shop")["line"] == 2
    # Another version of a package is another bundle.
    (shop.folder / "requirements.txt").write_text("idna==3.9\n")
    upgraded = shop.json("deploy", "shop", "--to", "local", "--upgrade")
    kinds = [line["do"] for line in upgraded["instructions"]]
    assert kinds.index("put-role-policy") < kinds.index("upload-object")
    assert kinds.index("upload-object") < kinds.index("update-code")
    assert invoked(shop, "shop")["may"] == ANSWER["may"]
    shop("rollback", "shop", "--to", "local")
    found = invoked(shop, "shop")
    assert (found["line"], found["may"]) == (2, ANSWER["may"])


def test_it_is_proven_by_verify(shop: Command) -> None:
    verdict = shop.json("verify", "shop")
    assert verdict["passed"]


def copied(folder: Any, name: str, table: str) -> None:
    shutil.copytree(
        EXAMPLES / name,
        folder / name,
        ignore=shutil.ignore_patterns(".wideload", "pylock.*", "*.pyc", "*.split.json"),
    )
    (folder / "wideload.toml").write_text(table)


def expected(project: Command, name: str) -> Any:
    return json.loads((project.folder / name / "expected.json").read_bytes())


def test_the_recommender_with_slimming_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("recommender")
    table = SHOP.replace("functions.shop", "functions.recommender")
    copied(folder, "recommender", f'{table}source = "recommender"\nslim = "none"\n')
    project = Command(folder, shared_cache(tmp_path_factory))
    try:
        result = project.json("deploy", "recommender", "--to", "local")
        assert result["strategy"] == "s3-bootstrap"
        answer = invoked(project, "recommender", "recommender/event.json")
        assert answer == expected(project, "recommender")
    finally:
        project("local", "down")


def test_the_classifier(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not (EXAMPLES / "classifier" / "inception.weights.h5").is_file():
        pytest.fail("make the model of the example first: see examples/classifier/README.md")
    folder = tmp_path_factory.mktemp("classifier")
    table = '[functions.classifier]\nsource = "classifier"\nhandler = "app.handler"\n'
    table += 'runtime = "python3.13"\nmemory = 3008\ntimeout = 120\nstrategy = "s3-bootstrap"\n'
    copied(folder, "classifier", table)
    project = Command(folder, shared_cache(tmp_path_factory))
    try:
        plan = project.json("plan", "classifier")
        ways = {one["strategy"]: one for one in plan["candidates"]}
        assert plan["choice"] is None
        assert {name for name, one in ways.items() if one["feasible"]} <= {"image"}
        refused = project.refused("deploy", "classifier", "--to", "local")
        assert "[Errno 28] No space left on device" in refused.why
        assert refused.hint.startswith("set ephemeral = ")
        (folder / "wideload.toml").write_text(f"{table}{refused.hint.removeprefix('set ')}\n")
        result = project.json("deploy", "classifier", "--to", "local")
        assert result["strategy"] == "s3-bootstrap"
        answer = invoked(project, "classifier", "classifier/event.json")
        assert answer == expected(project, "classifier")
    finally:
        project("local", "down")
