"""Functions that are images: repository, push, version, alias; what is refused; what is swept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deploy_builds import NAME, Build, build, image_build
from deploy_fake_cloud import IDENTITY, FakeCloud, Killed

from wideload.deploy import images, operate
from wideload.deploy.deployment import deploy
from wideload.deploy.execute import execute
from wideload.deploy.gc import YOUNG_SECONDS
from wideload.errors import WideloadError
from wideload.values.deployment import DeploymentResult

REPOSITORY = f"wideload/{NAME}"


def run(
    cloud: FakeCloud, wanted: Build, folder: Path, *, dry_run: bool = False
) -> DeploymentResult:
    return deploy(
        wanted.manifest,
        wanted.function,
        wanted.write(folder / wanted.manifest.function),
        cloud,
        clock=cloud.clock,
        dry_run=dry_run,
    )


def kinds(result: DeploymentResult) -> list[str]:
    return [line.do for line in result.instructions]


def digest(wanted: Build) -> str:
    return wanted.manifest.artifact("image").sha256


def test_an_image_is_pushed_and_served_by_its_digest(tmp_path: Path) -> None:
    cloud = FakeCloud()
    result = run(cloud, image_build(), tmp_path)
    assert kinds(result) == [
        *("create-role", "put-role-policy", "create-log-group", "set-retention"),
        *("create-repository", "set-repository-policy", "push-image", "create-function"),
        *("wait-until-ready", "publish-version", "wait-until-ready", "create-alias"),
    ]
    assert result.uploaded_bytes == 100
    latest = cloud.functions.functions[NAME].latest
    assert (latest.package_type, latest.code_sha256) == ("Image", digest(image_build()))
    assert (latest.configuration.runtime, latest.configuration.handler) == ("", "app.handler")
    assert run(cloud, image_build(), tmp_path).instructions == ()


def test_only_this_function_may_have_lambda_pull(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, image_build(), tmp_path)
    policy = json.loads(cloud.images.repositories[REPOSITORY].policy or "")
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    arn = f"arn:aws:lambda:{IDENTITY.region}:{IDENTITY.account}:function:{NAME}"
    assert statement["Condition"] == {"StringLike": {"aws:sourceArn": [arn, f"{arn}:*"]}}


def test_a_dry_run_shows_it_all_and_makes_nothing(tmp_path: Path) -> None:
    cloud = FakeCloud()
    lines = [one.text for one in run(cloud, image_build(), tmp_path, dry_run=True).instructions]
    assert f"create repository {REPOSITORY}" in lines
    assert f"let Lambda pull from repository {REPOSITORY} for {NAME}" in lines
    short = digest(image_build())[:12]
    push = f"push what is not there of image sha256:{short} (1.0 kB in all)"
    assert f"{push} to repository {REPOSITORY}" in lines
    assert any(line.endswith(f"from image {REPOSITORY}@sha256:{short}") for line in lines)
    assert cloud.acts.log == []


def test_updated_and_rolled_back(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, image_build(b"first"), tmp_path)
    changed = run(cloud, image_build(b"second"), tmp_path)
    assert kinds(changed) == [
        *("push-image", "update-code", "wait-until-ready", "publish-version"),
        *("wait-until-ready", "update-alias"),
    ]
    execute(operate.rollback(cloud, NAME), cloud, clock=cloud.clock)
    alias = cloud.functions.find_alias(NAME, "live")
    assert alias is not None
    assert cloud.functions.state(NAME, alias.version).code_sha256 == digest(image_build(b"first"))
    # Its image is there still, and is not pushed again.
    assert "push-image" not in kinds(run(cloud, image_build(b"first"), tmp_path))


def test_changed_settings_push_nothing(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, image_build(), tmp_path)
    result = run(cloud, image_build(memory=2048), tmp_path)
    assert kinds(result) == [
        *("update-configuration", "wait-until-ready", "publish-version", "wait-until-ready"),
        "update-alias",
    ]
    assert result.uploaded_bytes == 0


@pytest.mark.parametrize(
    ("there", "wanted", "words"),
    [
        (build(), image_build(), "is there as a zip, and was built as an image"),
        (image_build(), build(), "is there as an image, and was built as a zip"),
    ],
)
def test_another_package_type_is_refused_before_anything_is_sent(
    tmp_path: Path, there: Build, wanted: Build, words: str
) -> None:
    cloud = FakeCloud()
    (tmp_path / "there").mkdir()
    (tmp_path / "wanted").mkdir()
    run(cloud, there, tmp_path / "there")
    before = list(cloud.acts.log)
    with pytest.raises(WideloadError, match=words) as caught:
        run(cloud, wanted, tmp_path / "wanted")
    assert "which Lambda never changes" in caught.value.why
    assert "another name" in caught.value.hint
    assert f"wideload destroy {NAME}" in caught.value.hint
    assert cloud.acts.log == before


def test_killed_anywhere_running_again_finishes(tmp_path: Path) -> None:
    steps = len(_acts(tmp_path))
    for at in range(steps):
        for after in (False, True):
            cloud = FakeCloud()
            cloud.acts.kill_at, cloud.acts.kill_after = at, after
            with pytest.raises(Killed):
                run(cloud, image_build(), tmp_path)
            cloud.acts.kill_at = None
            run(cloud, image_build(), tmp_path)
            alias = cloud.functions.find_alias(NAME, "live")
            assert alias is not None
            state = cloud.functions.state(NAME, alias.version)
            assert state.code_sha256 == digest(image_build())


def _acts(folder: Path) -> list[str]:
    cloud = FakeCloud()
    run(cloud, image_build(), folder)
    return cloud.acts.log


def test_images_that_no_version_is_are_swept_after_an_hour(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, image_build(b"first"), tmp_path)
    run(cloud, image_build(b"second"), tmp_path)
    blobs = tmp_path / "lone" / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (blobs / ("e" * 64)).write_bytes(b"")
    cloud.images.push(REPOSITORY, tmp_path / "lone", "e" * 64, "lone", lambda _: None)
    cloud.images.create("theirs", {})
    young = operate.sweep(cloud, now=cloud.clock.now())
    assert young.instructions == ()
    sweep = operate.sweep(cloud, now=cloud.clock.now() + YOUNG_SECONDS)
    assert [one.describe() for one in sweep.instructions] == [
        f"delete 1 image of repository {REPOSITORY}"
    ]
    execute(sweep.instructions, cloud, clock=cloud.clock)
    assert {pushed for _, pushed in cloud.images.pushed} == {
        f"sha256:{digest(image_build(data))}" for data in (b"first", b"second")
    }


def test_destroyed_with_its_repository_and_nobody_elses(tmp_path: Path) -> None:
    cloud = FakeCloud()
    run(cloud, image_build(), tmp_path)
    run(cloud, image_build(name="other"), tmp_path)
    execute(operate.destroy(cloud, NAME), cloud, clock=cloud.clock)
    assert set(cloud.images.repositories) == {"wideload/other"}
    # A repository of that name that somebody else made stays.
    cloud.images.create(REPOSITORY, {"owner": "they"})
    assert operate.destroy(cloud, NAME) == ()


@pytest.mark.parametrize(
    ("function", "repository"),
    [
        ("shop", "wideload/shop"),
        ("my-shop_2", "wideload/my-shop_2"),
        ("Shop", "wideload/shop-3c6a8a9d"),
        ("__", "wideload/0f3c3d5e"),
    ],
)
def test_names_of_repositories(function: str, repository: str) -> None:
    found = images.repository_name(function)
    assert found.rpartition("-")[0] == repository.rpartition("-")[0]
    assert len(found) == len(repository)
    plain = images.repository_name("shop")
    assert (found == plain) == (function == "shop")
