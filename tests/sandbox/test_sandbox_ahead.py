"""Environments that are initialised before they are called, and restored from where a snapshot
would be."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from wideload.values.environment import Initialised
from wideload.values.invocation import Outcome

if TYPE_CHECKING:
    from sandbox_fixtures import Starter

pytest_plugins = ("sandbox_fixtures",)
pytestmark = pytest.mark.sandbox

HOOKED = """
import os, time
from snapshot_restore_py import register_after_restore, register_before_snapshot

told = []
register_before_snapshot(lambda: told.append("before 1"))
register_before_snapshot(lambda: told.append("before 2"))

@register_after_restore
def restored():
    told.append("after")
    told.append(time.time())

def handler(event, context):
    return {"told": told, "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]}
"""


def test_provisioned_it_is_initialised_before_the_first_call(start: Starter) -> None:
    environment = start(
        """
        import os, time
        READY = time.time()
        def handler(event, context):
            return [READY, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
        """,
        initialization="provisioned-concurrency",
    )
    assert environment.initialised() == Initialised()
    called = time.time()
    ready, kind = json.loads(environment.invoke(b"{}", "id-1").payload)
    assert ready < called
    assert kind == "provisioned-concurrency"


def test_restored_it_runs_the_hooks_around_the_snapshot(start: Starter) -> None:
    environment = start(HOOKED, initialization="snap-start")
    assert environment.initialised() == Initialised()
    called = time.time()
    answer = environment.invoke(b"{}", "id-1")
    document = json.loads(answer.payload)
    # Those of before in the reverse order, as AWS documents it.
    assert document["told"][:3] == ["before 2", "before 1", "after"]
    assert document["told"][3] >= called
    assert document["type"] == "snap-start"
    assert answer.init_ms is None
    assert re.search(r"^RESTORE_REPORT Restore Duration: \d+\.\d\d ms$", answer.log, re.MULTILINE)
    assert re.search(r"^REPORT .*\tRestore Duration: \d+\.\d\d ms\t$", answer.log, re.MULTILINE)
    assert "Init Duration" not in answer.log
    assert any(line.startswith("SnapStart: ") for line in answer.missing)
    again = environment.invoke(b"{}", "id-2")
    assert "Restore" not in again.log
    assert json.loads(again.payload)["told"] == document["told"]


def test_a_hook_that_fails_before_the_snapshot_fails_the_init(start: Starter) -> None:
    environment = start(
        """
        from snapshot_restore_py import register_before_snapshot
        @register_before_snapshot
        def fails():
            raise OSError("no snapshot of this")
        def handler(event, context): ...
        """,
        initialization="snap-start",
    )
    failed = environment.initialised()
    assert failed.failure == "FUNCTION_ERROR_INIT_FAILURE"
    assert "Runtime.BeforeSnapshotError" in failed.log
    assert "no snapshot of this" in failed.log


def test_a_hook_that_fails_after_the_restore_fails_the_call(start: Starter) -> None:
    environment = start(
        """
        from snapshot_restore_py import register_after_restore
        @register_after_restore
        def fails():
            raise OSError("not restored")
        def handler(event, context): ...
        """,
        initialization="snap-start",
    )
    assert environment.initialised() == Initialised()
    answer = environment.invoke(b"{}", "id-1")
    assert answer.outcome is Outcome.CRASHED
    assert answer.not_restored == "raised"
    assert json.loads(answer.payload)["errorMessage"] == "not restored"
    assert "Error Type: Runtime.AfterRestoreError" in answer.log


def test_an_init_that_nobody_waits_for_has_more_time(start_impatiently: Starter) -> None:
    source = """
    import time
    time.sleep(2.5)
    def handler(event, context):
        return "slept"
    """
    waited = start_impatiently(source, initialization="provisioned-concurrency")
    assert waited.initialised() == Initialised()
    answer = waited.invoke(b"{}", "id-1")
    assert json.loads(answer.payload) == "slept"
    assert "INIT_REPORT" not in answer.log
    assert start_impatiently(source).initialised().failure == "FUNCTION_ERROR_INIT_FAILURE"


def test_closed_while_it_waits_to_be_restored_it_leaves_nothing(start: Starter) -> None:
    environment = start(HOOKED, initialization="snap-start")
    assert environment.initialised() == Initialised()
    environment.close()
    assert not environment.alive
