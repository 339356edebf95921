"""Environments initialised before they are called: which calls get them, and what fails."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pytest
from lambda_world import NotRestored, World, eventually, refusal

from wideload.values.environment import EnvironmentSpec, Initialised

pytest_plugins = ("lambda_fixture",)
SNAPPED = {"ApplyOn": "PublishedVersions"}


def types(world: World) -> list[str]:
    """What each environment was initialised for, in the order in which they were started."""
    return [one.spec.initialization for one in world.sandbox.started]


def answers_with_its_type(world: World) -> None:
    world.sandbox.handler = lambda _, spec: spec.initialization


def called(world: World, qualifier: str = "1") -> str:
    answer: Any = world.client().invoke(FunctionName="hello", Qualifier=qualifier)
    assert "FunctionError" not in answer
    return str(json.loads(answer["Payload"].read()))


def provisioned(world: World, count: int, qualifier: str = "1") -> None:
    client = world.client()
    client.put_provisioned_concurrency_config(
        FunctionName="hello", Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )

    def ready() -> bool:
        found = client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier=qualifier)
        return found["Status"] == "READY"

    eventually(ready)


def test_more_callers_than_are_provisioned_for_spill_over(world: World) -> None:
    world.create(Publish=True)
    provisioned(world, 2)
    all_there = threading.Barrier(3)

    def handler(_: Any, spec: EnvironmentSpec) -> str:
        all_there.wait(5)
        return spec.initialization

    world.sandbox.handler = handler
    with ThreadPoolExecutor(3) as callers:
        told = sorted(callers.map(lambda _: called(world), range(3)))
    assert told == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]
    # As long as one of them is free, no call gets another.
    answers_with_its_type(world)
    assert {called(world) for _ in range(5)} == {"provisioned-concurrency"}
    assert len(types(world)) == 3


def test_an_environment_that_was_called_before_is_not_counted(world: World) -> None:
    world.create(Publish=True)
    answers_with_its_type(world)
    assert called(world) == "on-demand"
    provisioned(world, 1)
    assert types(world) == ["on-demand", "provisioned-concurrency"]
    assert called(world) == "provisioned-concurrency"


def test_a_smaller_number_starts_none_and_lets_the_rest_be_as_any(world: World) -> None:
    world.create(Publish=True)
    provisioned(world, 3)
    provisioned(world, 1)
    assert len(types(world)) == 3
    assert not any(one.closed for one in world.sandbox.started)
    world.client().delete_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")
    answers_with_its_type(world)
    called(world)
    assert len(types(world)) == 3


def test_an_alias_that_moves_takes_its_environments_along(world: World) -> None:
    client = world.client()
    world.create(Publish=True)
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    provisioned(world, 2, "live")
    client.update_function_configuration(FunctionName="hello", Description="another")
    assert client.publish_version(FunctionName="hello")["Version"] == "2"
    client.update_alias(FunctionName="hello", Name="live", FunctionVersion="2")
    provisioned(world, 2, "live")
    assert [one.spec.version for one in world.sandbox.started] == ["1", "1", "2", "2"]


def test_an_init_that_fails_is_told_with_its_log(world: World) -> None:
    world.sandbox.init = lambda _: Initialised("FUNCTION_ERROR_INIT_FAILURE", "no such module\n")
    client = world.client()
    world.create(Publish=True)
    client.put_provisioned_concurrency_config(
        FunctionName="hello", Qualifier="1", ProvisionedConcurrentExecutions=1
    )

    def got() -> tuple[str, str | None]:
        found = client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")
        return found["Status"], found.get("StatusReason")

    eventually(lambda: got() == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE"))
    eventually(lambda: [text for _, _, text in world.logs.written] == ["no such module\n"])
    eventually(lambda: world.sandbox.started[0].closed)
    world.sandbox.init = lambda _: Initialised()
    provisioned(world, 1)


def test_a_version_with_snap_start_is_initialised_when_it_is_published(world: World) -> None:
    client = world.client()
    go = threading.Event()

    def init(_: EnvironmentSpec) -> Initialised:
        go.wait(5)
        return Initialised()

    world.sandbox.init = init
    answers_with_its_type(world)
    world.create(SnapStart=SNAPPED)
    assert types(world) == []
    assert client.publish_version(FunctionName="hello")["State"] == "Pending"
    code, _, status = refusal(lambda: called(world))
    assert (code, status) == ("SnapStartNotReadyException", 409)
    # The unpublished function has no snapshot and needs none.
    assert called(world, "$LATEST") == "on-demand"
    go.set()

    def state() -> str:
        return client.get_function_configuration(FunctionName="hello", Qualifier="1")["State"]

    eventually(lambda: state() == "Active")
    assert types(world).count("snap-start") == 1
    assert called(world) == "snap-start"
    # Another one waits in the place of the one that was restored, which goes on being called.
    eventually(lambda: types(world).count("snap-start") == 2)
    called(world)
    assert types(world).count("snap-start") == 2


def test_a_snapshot_that_cannot_be_taken_fails_the_version(world: World) -> None:
    world.sandbox.init = lambda _: Initialised("FUNCTION_ERROR_INIT_FAILURE", "no such module\n")
    client = world.client()
    world.create(SnapStart=SNAPPED, Publish=True)

    def found() -> Any:
        return client.get_function_configuration(FunctionName="hello", Qualifier="1")

    eventually(lambda: found()["State"] == "Failed")
    assert found()["StateReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert refusal(lambda: called(world))[0] == "ResourceConflictException"
    # It stays so when the service is started again.
    world.start()
    client = world.client()
    assert found()["State"] == "Failed"


@pytest.mark.parametrize(
    ("how", "code", "status"),
    [("raised", "SnapStartException", 400), ("timed-out", "SnapStartTimeoutException", 408)],
)
def test_a_version_that_is_not_restored_answers_with_an_exception(
    world: World, how: Literal["raised", "timed-out"], code: str, status: int
) -> None:
    """A function error would mean that the handler was called."""

    def handler(_: Any, spec: EnvironmentSpec) -> str:
        raise NotRestored(how)

    world.create(SnapStart=SNAPPED, Publish=True)
    client = world.client()
    eventually(
        lambda: (
            client.get_function_configuration(FunctionName="hello", Qualifier="1")["State"]
            == "Active"
        )
    )
    world.sandbox.handler = handler
    found = refusal(lambda: called(world))
    assert (found[0], found[2]) == (code, status)
    # What the hook wrote is in the log.
    assert any(text.startswith("START ") for _, _, text in world.logs.written)
    answers_with_its_type(world)
    assert called(world) == "snap-start"


def test_snapshots_of_versions_that_nobody_serves_are_let_go(world: World) -> None:
    client = world.client()
    world.create(SnapStart=SNAPPED, Publish=True)
    client.update_function_configuration(FunctionName="hello", Description="another")
    client.publish_version(FunctionName="hello")

    def state(number: str) -> str:
        found = client.get_function_configuration(FunctionName="hello", Qualifier=number)
        return found["State"]

    eventually(lambda: state("2") == "Active")
    assert state("1") == "Active"
    answers_with_its_type(world)
    # Version 1 is restored from what is left of it, or initialised anew, and no spare is made.
    assert called(world, "1") == "snap-start"
    assert called(world, "1") == "snap-start"
    versions = [one.spec.version for one in world.sandbox.started]
    assert versions.count("1") == 1
    # After a restart the one that would be called next comes back by itself.
    world.start()
    client = world.client()
    count = len(world.sandbox.started)
    client.get_account_settings()
    eventually(lambda: len(world.sandbox.started) == count + 1)
    assert world.sandbox.started[-1].spec.version == "2"


def test_neither_with_the_other(world: World) -> None:
    client = world.client()
    world.create(SnapStart=SNAPPED, Publish=True)
    message = refusal(
        lambda: client.put_provisioned_concurrency_config(
            FunctionName="hello", Qualifier="1", ProvisionedConcurrentExecutions=1
        )
    )
    assert message == (
        "InvalidParameterValueException",
        "Provisioned Concurrency is not supported for SnapStart enabled functions.",
        400,
    )


def test_what_waits_to_be_restored_makes_room_for_a_call(world: World) -> None:
    world.memory = 200
    world.start()
    client = world.client()
    world.create(SnapStart=SNAPPED, Publish=True)

    def active() -> bool:
        found = client.get_function_configuration(FunctionName="hello", Qualifier="1")
        return found["State"] == "Active"

    eventually(active)
    answers_with_its_type(world)
    # 128 of the 200 MB are taken by the one that waits.
    assert called(world, "$LATEST") == "on-demand"
    assert world.sandbox.started[0].closed
    assert called(world) == "snap-start"
