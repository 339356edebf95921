"""Runs a package in the sandbox, as it comes and slimmed, and tells what differs."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any, Self

import msgspec

from wideload.values.environment import EnvironmentSpec
from wideload.values.invocation import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from corpus_entries import Entry

    from wideload.values.environment import ExecutionEnvironment, Sandbox
    from wideload.values.invocation import Invocation
    from wideload.values.target import Target

TIMEOUT = 1500
"""Seconds; for all modules of a package together."""
_LINE = re.compile(r"^corpus (begins|failed) (\S+) ?(.*)$", re.MULTILINE)
_MOST_CRASHES = 25
_SHOWN = 1200


class Imports(msgspec.Struct, frozen=True):
    """What came of importing modules."""

    failed: dict[str, str]
    crashed: dict[str, str]


class Runner:
    """One package, unpacked in a folder, in a sandbox; a context manager, to end it."""

    def __init__(self, sandbox: Sandbox, target: Target, entry: Entry, task: Path) -> None:
        self._sandbox = sandbox
        self._environment: ExecutionEnvironment | None = None
        self._spec = EnvironmentSpec(
            function=entry.name,
            version="$LATEST",
            target=target,
            handler="app.handler",
            task=str(task),
            memory=entry.memory,
            timeout=TIMEOUT,
            ephemeral=1024,
            environment=entry.environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._environment is not None:
            self._environment.close()

    def invoke(self, event: dict[str, Any]) -> Invocation:
        """In the environment that there is, or in a new one after a crash."""
        if self._environment is None or not self._environment.alive:
            self._environment = self._sandbox.start(self._spec)
        return self._environment.invoke(json.dumps(event).encode(), str(uuid.uuid4()))

    def imports(self, modules: Sequence[str]) -> Imports:
        """Import all modules; after a crash go on behind the one that crashed."""
        failed: dict[str, str] = {}
        crashed: dict[str, str] = {}
        left = list(modules)
        while left and len(crashed) < _MOST_CRASHES:
            answer = self.invoke({"modules": left})
            last = ""
            for word, name, rest in _LINE.findall(answer.log):
                if word == "begins":
                    last = name
                else:
                    failed[name] = rest
            if answer.outcome is Outcome.SUCCESS:
                break
            if last not in left:
                crashed[left[0]] = f"before any import: {words(answer)}"
                break
            crashed[last] = words(answer)
            left = left[left.index(last) + 1 :]
        return Imports(failed, crashed)


def words(answer: Invocation) -> str:
    """The outcome and what was answered, cut."""
    payload = answer.payload.decode(errors="replace")
    try:
        said = json.loads(payload)
        if isinstance(said, dict) and "errorMessage" in said:
            trace = "".join(said.get("stackTrace") or [])[-_SHOWN:]
            payload = f"{said.get('errorType')}: {said['errorMessage'][:_SHOWN]}\n{trace}"
    except ValueError:
        pass
    return f"{answer.outcome}: {payload[: 2 * _SHOWN]}"


def differing_imports(raw: Imports, slimmed: Imports) -> list[str]:
    """Modules that import as the package comes, and do not slimmed."""
    before = raw.failed.keys() | raw.crashed.keys()
    after = slimmed.failed | slimmed.crashed
    return [f"import {name}: {why}" for name, why in sorted(after.items()) if name not in before]
