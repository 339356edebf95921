"""What is done to a function once it is deployed, against AWS in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from deploy_builds import NAME, Build, build
from deploy_fake_cloud import FakeCloud, Killed

from wideload.deploy import names
from wideload.deploy.cloud import Refused
from wideload.deploy.deployment import deploy
from wideload.deploy.execute import execute
from wideload.deploy.operate import destroy, invoke, logs, rollback, status
from wideload.deploy.states import Answer, LogEvent
from wideload.errors import WideloadError
from wideload.values.function import Strategy
from wideload.values.instruction import DeleteRole, Instruction

S3 = Strategy.S3_ZIP


def run(cloud: FakeCloud, wanted: Build, folder: Path) -> None:
    deploy(wanted.manifest, wanted.function, wanted.write(folder), cloud, clock=cloud.clock)


def kinds(instructions: tuple[Instruction, ...]) -> list[str]:
    return [str(one.__struct_config__.tag) for one in instructions]


@pytest.fixture
def cloud(tmp_path: Path) -> FakeCloud:
    made = FakeCloud()
    run(made, build(b"first", strategy=S3), tmp_path)
    run(made, build(b"second", strategy=S3), tmp_path)
    return made


def test_invoke_asks_the_live_version(cloud: FakeCloud) -> None:
    answer = invoke(cloud, NAME, b'{"user": 7}')
    assert answer.payload == b'{"user": 7}'
    assert answer.function_error is None
    assert answer.version == "2"
    assert invoke(cloud, NAME, b"{}", "1").version == "1"


def test_invoke_gives_function_errors_back(cloud: FakeCloud) -> None:
    cloud.functions.answers = lambda version, _: Answer(b"{}", "Unhandled", "", version.version)
    assert invoke(cloud, NAME, b"{}").function_error == "Unhandled"


def test_invoke_of_what_is_not_there() -> None:
    with pytest.raises(WideloadError, match="is not deployed") as told:
        invoke(FakeCloud(), NAME, b"{}")
    assert "wideload deploy recommender" in told.value.hint
    assert "ResourceNotFoundException" in told.value.why


def test_status_tells_all_versions(cloud: FakeCloud) -> None:
    found = status(cloud, NAME)
    assert [(one.version, one.is_live) for one in found.versions] == [("1", False), ("2", True)]
    assert (found.version, found.alias, found.state) == ("2", "live", "Active")
    assert found.strategy == "s3-zip"
    assert found.code_size == len(b"second")
    assert found.url.startswith("https://eu-central-1.console.aws.amazon.com/lambda/")
    assert msgspec.json.decode(msgspec.json.encode(found))["schema"] == 1


def test_status_of_what_is_not_there() -> None:
    with pytest.raises(WideloadError, match="is not deployed"):
        status(FakeCloud(), NAME)


def test_rollback_moves_the_alias_back_and_forth(cloud: FakeCloud) -> None:
    execute(rollback(cloud, NAME), cloud, clock=cloud.clock)
    assert status(cloud, NAME).version == "1"
    with pytest.raises(WideloadError, match="no version of recommender before version 1"):
        rollback(cloud, NAME)
    execute(rollback(cloud, NAME, "2"), cloud, clock=cloud.clock)
    assert status(cloud, NAME).version == "2"
    assert rollback(cloud, NAME, "2") == ()


def test_rollback_to_what_is_not_there(cloud: FakeCloud) -> None:
    with pytest.raises(WideloadError, match="no version 7") as told:
        rollback(cloud, NAME, "7")
    assert told.value.why == "versions that are there: 1, 2"
    cloud.functions.delete_alias(NAME, "live")
    with pytest.raises(WideloadError, match="no alias live"):
        rollback(cloud, NAME)


def test_deploy_after_rollback_serves_the_build_again(cloud: FakeCloud, tmp_path: Path) -> None:
    execute(rollback(cloud, NAME), cloud, clock=cloud.clock)
    run(cloud, build(b"second", strategy=S3), tmp_path)
    assert status(cloud, NAME).version == "2"
    assert len(status(cloud, NAME).versions) == 2


def test_destroy_leaves_nothing_but_the_bucket(cloud: FakeCloud) -> None:
    instructions = destroy(cloud, NAME)
    assert kinds(instructions) == [
        "delete-alias",
        "delete-function",
        "delete-objects",
        "delete-log-group",
        "delete-role",
    ]
    prefix = f"s3://wideload-123456789012-eu-central-1/functions/{NAME}/"
    assert instructions[2].describe() == f"delete 2 objects under {prefix}"
    execute(instructions, cloud, clock=cloud.clock)
    assert not cloud.functions.functions
    assert not cloud.storage.objects
    assert not cloud.logs.groups
    assert not cloud.roles.roles
    assert list(cloud.storage.buckets) == ["wideload-123456789012-eu-central-1"]
    assert destroy(cloud, NAME) == ()


def test_destroy_takes_the_bucket_only_when_nothing_else_is_in_it(cloud: FakeCloud) -> None:
    bucket = names.bucket_name(cloud.identity())
    cloud.storage.objects[bucket, "functions/other/0.zip"] = (b"", "")
    assert "delete-bucket" not in kinds(destroy(cloud, NAME, bucket=True))
    del cloud.storage.objects[bucket, "functions/other/0.zip"]
    execute(destroy(cloud, NAME, bucket=True), cloud, clock=cloud.clock)
    assert not cloud.storage.buckets


def test_destroy_of_a_name_that_begins_another(cloud: FakeCloud) -> None:
    bucket = names.bucket_name(cloud.identity())
    cloud.storage.objects[bucket, f"functions/{NAME}-two/0.zip"] = (b"", "")
    execute(destroy(cloud, NAME), cloud, clock=cloud.clock)
    assert list(cloud.storage.objects) == [(bucket, f"functions/{NAME}-two/0.zip")]


def test_destroy_leaves_what_wideload_did_not_make(cloud: FakeCloud) -> None:
    cloud.functions.functions[NAME].tags.clear()
    with pytest.raises(WideloadError, match="wideload did not make"):
        destroy(cloud, NAME)


def test_destroy_without_function_or_role_leaves_the_log_group() -> None:
    cloud = FakeCloud()
    cloud.logs.create(names.log_group(NAME))
    assert destroy(cloud, NAME) == ()


def test_destroy_leaves_the_role_to_another_region(cloud: FakeCloud) -> None:
    role = names.role_name(NAME)
    cloud.roles.put_policy(role, "wideload-logs-us-east-1", "{}")
    execute(destroy(cloud, NAME), cloud, clock=cloud.clock)
    assert list(cloud.roles.documents) == [(role, "wideload-logs-us-east-1")]
    assert destroy(cloud, NAME) == ()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(5))
def test_destroy_killed_anywhere_is_finished_by_the_next(
    cloud: FakeCloud, at: int, after: bool
) -> None:
    cloud.acts.log.clear()
    cloud.acts.kill_at, cloud.acts.kill_after = at, after
    with pytest.raises(Killed):
        execute(destroy(cloud, NAME), cloud, clock=cloud.clock)
    cloud.acts.kill_at = None
    execute(destroy(cloud, NAME), cloud, clock=cloud.clock)
    assert not cloud.functions.functions
    assert not cloud.storage.objects
    assert not cloud.logs.groups
    assert not cloud.roles.roles


def test_destroy_tolerates_what_goes_meanwhile(cloud: FakeCloud) -> None:
    instructions = destroy(cloud, NAME)
    execute(instructions, cloud, clock=cloud.clock)
    execute(instructions, cloud, clock=cloud.clock)
    assert isinstance(instructions[-1], DeleteRole)


def event(number: int, at: int) -> LogEvent:
    return LogEvent(id=f"e{number}", timestamp=at, stream="s", message=f"line {number}\n")


def test_logs_since(cloud: FakeCloud) -> None:
    cloud.logs.written[names.log_group(NAME)] = [event(1, 10), event(2, 20), event(3, 30)]
    assert [one.id for one in logs(cloud, NAME, since=20)] == ["e2", "e3"]


def test_logs_follow_tells_each_event_once_even_late_ones(cloud: FakeCloud) -> None:
    group = names.log_group(NAME)
    cloud.logs.written[group] = [event(1, 100_000)]
    following: Iterator[LogEvent] = logs(cloud, NAME, since=0, follow=True, clock=cloud.clock)
    assert next(following).id == "e1"
    cloud.logs.written[group] = [event(2, 95_000), event(1, 100_000), event(3, 101_000)]
    assert [next(following).id, next(following).id] == ["e2", "e3"]
    cloud.logs.written[group].append(event(4, 101_000))
    assert next(following).id == "e4"


def test_logs_of_what_is_not_there() -> None:
    with pytest.raises(WideloadError, match="is not deployed"):
        list(logs(FakeCloud(), NAME, since=0))


def test_operate_tells_what_was_refused(cloud: FakeCloud) -> None:
    def denied(function: str, qualifier: str, event: bytes) -> Answer:
        raise Refused(
            "lambda:InvokeFunction",
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/u is not authorized to perform: lambda:InvokeFunction "
            f"on resource: {function}:{qualifier} ({len(event)})",
        )

    cloud.functions.invoke = denied  # type: ignore[method-assign]
    with pytest.raises(WideloadError, match="AWS refused to invoke recommender:live") as told:
        invoke(cloud, NAME, b"{}")
    assert told.value.hint == (
        "allow these credentials lambda:InvokeFunction, or use others (AWS_PROFILE)"
    )
    assert told.value.why.startswith("AccessDeniedException: User: arn:aws:iam::1:user/u is not")
