"""Deploying as a database commits: all or nothing, again and again, back, and away."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from e2e_command import shared_cache, snapshot
from e2e_shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.sandbox, pytest.mark.network]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"), shared_cache(tmp_path_factory))
    yield shop
    shop.wideload("local", "down")


def kinds(result: Any) -> list[str]:
    return [line["do"] for line in result["instructions"]]


def zip_size(shop: Shop, name: str) -> int:
    return (shop.folder / ".wideload" / "build" / name / "function.zip").stat().st_size


def test_a_dry_run_shows_the_instructions_and_changes_nothing(shop: Shop) -> None:
    shop.function("dry")
    before = shop.there()
    result = shop.wideload.json("deploy", "dry", "--dry-run")
    assert shop.there() == before
    assert kinds(result) == [
        *("create-role", "put-role-policy", "create-log-group", "set-retention"),
        *("create-function", "wait-until-ready", "publish-version", "wait-until-ready"),
        *("smoke-test", "create-alias"),
    ]
    assert result["uploaded_bytes"] == 0
    assert result["version"] is None
    shown = shop.wideload("deploy", "dry", "--dry-run").out.splitlines()
    assert shown == [line["text"] for line in result["instructions"]]
    done = shop.wideload.json("deploy", "dry")
    assert kinds(done) == kinds(result), "what was shown is what is done"
    assert done["uploaded_bytes"] == zip_size(shop, "dry")
    before = shop.there()
    shop.edit("dry", 2)
    result = shop.wideload.json("deploy", "dry", "--dry-run")
    assert kinds(result)[0] == "update-code"
    assert shop.there() == before
    assert shop.told("dry") == 1


def test_nothing_changed_nothing_done(shop: Shop) -> None:
    shop.function("same", 'strategy = "s3-zip"\nenvironment = { STAGE = "test" }')
    first = shop.wideload.json("deploy", "same")
    assert (first["schema"], first["function"], first["strategy"]) == (1, "same", "s3-zip")
    assert (first["version"], first["alias"]) == ("1", "live")
    assert {"create-bucket", "secure-bucket", "upload-object"} <= set(kinds(first))
    before = shop.there()
    second = shop.wideload.json("deploy", "same")
    assert second["instructions"] == []
    assert second["uploaded_bytes"] == 0
    assert second["version"] == "1"
    said = shop.wideload("deploy", "same")
    assert said.out == "nothing to do: same serves version 1 of this build\n"
    assert shop.there() == before


def test_changed_code_is_uploaded_alone_and_takes_over(shop: Shop) -> None:
    shop.function("code", 'strategy = "s3-zip"')
    shop.wideload("deploy", "code")
    shop.edit("code", 2)
    result = shop.wideload.json("deploy", "code")
    assert kinds(result) == [
        *("upload-object", "update-code", "wait-until-ready"),
        *("publish-version", "wait-until-ready", "smoke-test", "update-alias"),
    ]
    assert result["uploaded_bytes"] == zip_size(shop, "code")
    assert result["version"] == "2"
    assert shop.live("code") == "2"
    assert (shop.told("code"), shop.told("code", "1")) == (2, 1)
    shop.edit("code", 1)
    back = shop.wideload.json("deploy", "code")
    assert back["uploaded_bytes"] == 0, "this package is in the bucket already"
    assert shop.told("code") == 1


def test_a_changed_setting_uploads_nothing_and_is_a_version_of_its_own(shop: Shop) -> None:
    shop.function("setting", "memory = 256\n#")
    shop.wideload("deploy", "setting")
    config = shop.folder / "wideload.toml"
    head, table = config.read_text().split("[functions.setting]")
    config.write_text(f"{head}[functions.setting]{table.replace('256', '512', 1)}")
    result = shop.wideload.json("deploy", "setting")
    assert "update-configuration" in kinds(result)
    assert "update-code" not in kinds(result)
    assert result["uploaded_bytes"] == 0
    client = shop.aws.client("lambda")
    memories = [
        client.get_function_configuration(FunctionName="setting", Qualifier=each)["MemorySize"]
        for each in ("1", "live")
    ]
    assert memories == [256, 512]


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("raising", "raise RuntimeError('broken')\n", "broken"),
        ("wrong", "", 'it answered {"version": 3} instead of {"version": 1}'),
    ],
)
def test_a_broken_version_never_gets_to_callers(shop: Shop, name: str, code: str, why: str) -> None:
    body = "    return {'version': 1}\n"
    handler = "def handler(event, context):\n"
    shop.function(name)
    shop.change(name, handler + body)
    if name == "wrong":
        (shop.folder / name / "expected.json").write_text('{"version": 1}')
    shop.wideload("deploy", name)
    shop.change(name, code + handler + (body.replace("1", "3") if name == "wrong" else body))
    refused = shop.wideload.refused("deploy", name)
    assert refused.what == f"version 2 of {name} failed its smoke test; no caller gets to it"
    assert why in refused.why
    assert "the alias was not moved" in refused.hint
    assert shop.live(name) == "1"
    assert shop.told(name) == 1
    shop.change(name, handler + body + "# mended\n")
    mended = shop.wideload.json("deploy", name)
    assert mended["version"] == "3"
    assert shop.told(name) == 1
    assert shop.live(name) == "3"


def test_the_first_version_being_broken_nothing_serves(shop: Shop) -> None:
    shop.function("stillborn")
    shop.change("stillborn", "import no_such_module\n\ndef handler(event, context): ...\n")
    refused = shop.wideload.refused("deploy", "stillborn")
    assert "Runtime.ImportModuleError" in refused.why
    assert shop.live("stillborn") is None
    assert "no version serves" in shop.wideload("status", "stillborn").out
    missing = shop.wideload.refused("invoke", "stillborn")
    assert "stillborn" in missing.what
    shop.edit("stillborn", 2)
    assert shop.wideload.json("deploy", "stillborn")["version"] == "2"
    assert shop.told("stillborn") == 2


def test_rollback_and_forward_again(shop: Shop) -> None:
    shop.function("back")
    for version in (1, 2, 3):
        shop.edit("back", version)
        shop.wideload("deploy", "back")
    assert shop.told("back") == 3
    shown = shop.wideload("rollback", "back", "--dry-run").out
    assert shown == "move alias live of back from version 3 to version 2\n"
    assert shop.told("back") == 3
    shop.wideload("rollback", "back")
    assert (shop.told("back"), shop.live("back")) == (2, "2")
    shop.wideload("rollback", "back", "--version", "1")
    assert (shop.told("back"), shop.live("back")) == (1, "1")
    for arguments in ([], ["--version", "9"]):
        done = shop.wideload.run("rollback", "back", *arguments)
        assert done.code == 1
        assert done.err.startswith("error: there is no version ")
        assert "why: versions that are there: 1, 2, 3" in done.err
    assert shop.live("back") == "1"
    assert shop.wideload.json("status", "back")["version"] == "1"
    result = shop.wideload.json("deploy", "back")
    assert result["uploaded_bytes"] == 0, "the build is there as version 3"
    assert shop.told("back") == 3


def test_destroy_leaves_nothing(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    shop = Shop(tmp_path, shared_cache(tmp_path_factory))
    try:
        empty = shop.there()
        for name in ("gone", "stays"):
            shop.function(name, 'strategy = "s3-zip"')
            shop.wideload("deploy", name)
        shop.edit("gone", 2)
        shop.wideload("deploy", "gone")
        both = shop.there()
        assert shop.wideload("destroy", "gone", "--dry-run").out != ""
        assert shop.there() == both
        shop.wideload("destroy", "gone")
        left = shop.there()
        assert "gone" not in json.dumps(left)
        assert left["functions"] == ["stays"]
        assert shop.told("stays") == 1
        missing = shop.wideload.refused("status", "gone")
        assert missing.what == "function gone is not deployed"
        assert "nothing to do" in shop.wideload("destroy", "gone").err
        shop.wideload("destroy", "stays", "--bucket")
        assert shop.there() == empty
        # And it may come back. As on AWS, no version's number is ever used again.
        assert shop.wideload.json("deploy", "gone")["version"] == "3"
        assert shop.told("gone") == 2
    finally:
        shop.wideload("local", "down")


def test_a_function_of_others_is_left_alone(shop: Shop) -> None:
    shop.function("foreign")
    client, iam = shop.aws.client("lambda"), shop.aws.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    shop.wideload("build", "foreign")
    package = (shop.folder / ".wideload/build/foreign/function.zip").read_bytes()
    client.create_function(
        FunctionName="foreign",
        Runtime="python3.13",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": package},
    )
    before = shop.there()
    refused = shop.wideload.refused("deploy", "foreign")
    assert "--adopt" in refused.hint
    refused = shop.wideload.refused("destroy", "foreign")
    assert "foreign" in refused.what
    assert shop.there() == before
    assert shop.wideload.json("deploy", "foreign", "--adopt")["version"] == "1"
    assert shop.told("foreign") == 1


def test_the_role_may_write_its_logs_and_nothing_else(shop: Shop) -> None:
    shop.function("humble")
    shop.wideload("deploy", "humble")
    iam = shop.aws.client("iam")
    assert iam.list_attached_role_policies(RoleName="wideload-humble")["AttachedPolicies"] == []
    (policy,) = iam.list_role_policies(RoleName="wideload-humble")["PolicyNames"]
    document = iam.get_role_policy(RoleName="wideload-humble", PolicyName=policy)
    (statement,) = document["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == (
        "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/humble:*"
    )


def test_what_serves_is_what_was_built(shop: Shop) -> None:
    shop.function("exact")
    shop.wideload("deploy", "exact")
    folder = shop.folder / ".wideload" / "build" / "exact"
    assert sorted(snapshot(folder))[-2:] == ["function.zip", "manifest.json"]
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (artifact,) = manifest["artifacts"]
    found = shop.aws.client("lambda").get_function(FunctionName="exact", Qualifier="live")
    sha256 = base64.b64decode(found["Configuration"]["CodeSha256"]).hex()
    assert sha256 == artifact["sha256"]
    assert found["Configuration"]["CodeSize"] == artifact["size"]
