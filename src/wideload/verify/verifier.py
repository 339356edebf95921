"""Runs a built function in a sandbox and judges what comes of it."""

from __future__ import annotations

import json
import tempfile
import uuid
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.errors import WideloadError
from wideload.values.invocation import Outcome
from wideload.values.verdict import Case, Check, Used, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wideload.values.environment import Container, EnvironmentSpec, Sandbox
    from wideload.values.invocation import Invocation

_PROBE = "wideload_probe"
_PROBE_MEMORY = 3008
"""MB. The probe imports everything at once, which the function itself need not."""
_PROBE_TIMEOUT = 600
_SHOWN = 600
_NAMED = 3


def read_cases(events: Sequence[Path], source: Path) -> tuple[Case, ...]:
    """The events given; else ``event.json`` of the source folder with ``expected.json``.

    :raises WideloadError: a file is not there or is not JSON.
    """
    if events:
        return tuple(Case(path.name, _json(path)) for path in events)
    event, expected = source / "event.json", source / "expected.json"
    if not event.is_file():
        return ()
    return (Case("event.json", _json(event), _json(expected) if expected.is_file() else None),)


def _json(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        json.loads(data)
    except OSError as error:
        raise WideloadError(f"the event {path} cannot be read", why=str(error)) from error
    except ValueError as error:
        raise WideloadError(
            f"the event {path} is not JSON", why=str(error), hint="Lambda takes JSON only"
        ) from error
    return data


def verify(
    sandbox: Sandbox,
    spec: EnvironmentSpec,
    modules: Sequence[str],
    cases: Sequence[Case],
    *,
    first: str = "",
) -> Verdict:
    """Import every module, then invoke with every case.

    :param spec: of the function as it will run; its task folder is the package's content.
    :param first: a module to import before all others, where one brings them.
    :raises WideloadError: this machine cannot run it at all.
    """
    checks: list[Check] = []
    missing: dict[str, None] = {}
    if modules:
        answer = _probe(sandbox, spec, modules, first)
        missing.update(dict.fromkeys(answer.missing))
        checks.extend(_imports(answer, modules))
    environment = None
    answers = []
    try:
        for case in cases:
            if environment is None or not environment.alive:
                environment = sandbox.start(spec)
            answer = environment.invoke(case.event, str(uuid.uuid4()))
            missing.update(dict.fromkeys(answer.missing))
            checks.append(_judge(case, answer))
            answers.append(answer)
    finally:
        if environment:
            environment.close()
    return Verdict(tuple(checks), tuple(missing), _used(spec, answers))


def _used(spec: EnvironmentSpec, answers: Sequence[Invocation]) -> Used | None:
    if not answers or any(one.outcome is not Outcome.SUCCESS for one in answers):
        return None
    seen = [one.tmp_bytes for one in answers if one.tmp_bytes is not None]
    return Used(
        memory=spec.memory,
        max_memory=max(one.max_memory_mb for one in answers),
        ephemeral=spec.ephemeral,
        tmp_bytes=max(seen, default=None),
    )


def compare(
    sandbox: Sandbox,
    spec: EnvironmentSpec,
    raw: EnvironmentSpec,
    modules: Sequence[str],
    cases: Sequence[Case],
    left_out: Sequence[str] = (),
    *,
    first: str = "",
) -> Verdict:
    """Hold a slimmed package to what the same package does unslimmed.

    :param raw: of the unslimmed package.
    :param modules: that both offer; those that import unslimmed must import slimmed. Without
        any, the answers alone are compared.
    :param cases: whose answers must be the same.
    :param left_out: modules that were left out since no traced event used them; told.
    :param first: a module of the slimmed package to import before all others.
    :raises WideloadError: this machine cannot run it at all.
    """
    checks: list[Check] = []
    missing: dict[str, None] = {}
    if modules:
        before, after = _probe(sandbox, raw, modules), _probe(sandbox, spec, modules, first)
        for answer in (before, after):
            if answer.outcome is not Outcome.SUCCESS:
                return Verdict((Check("imports", False, _words(answer)),), answer.missing)
        missing.update(dict.fromkeys(after.missing))
        checks.extend(_imports_compared(before, after, modules, left_out))
    for case in cases:
        request = str(uuid.uuid4())  # the same for both, since errors name it
        answers = [_once(sandbox, one, case, request) for one in (raw, spec)]
        if [one.outcome for one in answers] == [Outcome.TIMED_OUT, Outcome.SUCCESS]:
            # Unslimmed all is compiled at the start, which may take longer than the function may.
            patient = msgspec.structs.replace(raw, timeout=_PROBE_TIMEOUT)
            answers[0] = _once(sandbox, patient, case, request)
        missing.update(dict.fromkeys(answers[1].missing))
        checks.append(_answers_compared(case, *answers))
    return Verdict(tuple(checks), tuple(missing))


def _answers_compared(case: Case, before: Invocation, after: Invocation) -> Check:
    name = f"invoke with {case.name}"
    said = _said(after)
    if (before.outcome, _said(before)) != (after.outcome, said):
        return Check(name, False, f"unslimmed {_words(before)}; now {_words(after)}")
    same = "the same answer" if after.outcome is Outcome.SUCCESS else f"the same error, {said}"
    return Check(name, True, same)


def _said(answer: Invocation) -> Any:
    """What a caller goes by: of an error its kind and message, since a stack trace shows lines of
    the source only where that is shipped."""
    said = json.loads(answer.payload)
    if answer.outcome is not Outcome.SUCCESS and isinstance(said, dict):
        return f"{said.get('errorType')}: {said.get('errorMessage')}"
    return said


def _imports_compared(
    before: Invocation, after: Invocation, modules: Sequence[str], left_out: Sequence[str]
) -> Iterator[Check]:
    failed_before = _failed(before)[0]
    failed, asking = _failed(after)
    broken = {name: why for name, why in failed.items() if name not in failed_before}
    asking = [name for name in asking if name not in failed_before]
    for name, why in broken.items():
        yield Check(f"import {name}", False, why)
    if not broken:
        count = len(modules) - len(failed_before) - len(asking)
        detail = f"{count} modules import, as unslimmed"
        if left_out:
            detail += f"; {len(left_out)} are left out, as no traced event used them"
        yield Check("imports", True, detail + _of_left_out(asking))


def _once(sandbox: Sandbox, spec: EnvironmentSpec, case: Case, request: str) -> Invocation:
    environment = sandbox.start(spec)
    try:
        return environment.invoke(case.event, request)
    finally:
        environment.close()


def _probe(
    sandbox: Sandbox, spec: EnvironmentSpec, modules: Sequence[str], first: str = ""
) -> Invocation:
    with tempfile.TemporaryDirectory(prefix="wideload-") as folder:
        layer = Path(folder) / "layer"
        (layer / "python").mkdir(parents=True)
        # Others than the owner read it: functions do not run as the owner.
        for each in (Path(folder), layer, layer / "python"):
            each.chmod(0o755)
        code = resources.files("wideload.verify").joinpath("probe.py").read_bytes()
        (layer / "python" / f"{_PROBE}.py").write_bytes(code)
        probing = msgspec.structs.replace(
            spec,
            handler=f"{_PROBE}.handler",
            container=spec.container and _probing(spec.container),
            layers=(*spec.layers, str(layer)),
            memory=max(spec.memory, _PROBE_MEMORY),
            timeout=_PROBE_TIMEOUT,
        )
        environment = sandbox.start(probing)
        try:
            event = json.dumps({"first": first, "modules": list(modules)}).encode()
            return environment.invoke(event, str(uuid.uuid4()))
        finally:
            environment.close()


def _probing(container: Container) -> Container:
    # Bases that are not AWS's need not look for what lies in layers.
    path = [container.variables.get("PYTHONPATH", ""), "/opt/python"]
    return msgspec.structs.replace(
        container,
        command=(f"{_PROBE}.handler",),
        variables={**container.variables, "PYTHONPATH": ":".join(filter(None, path))},
    )


def _imports(answer: Invocation, modules: Sequence[str]) -> list[Check]:
    if answer.outcome is not Outcome.SUCCESS:
        return [Check("imports", False, _words(answer))]
    failed, asking = _failed(answer)
    if not failed:
        count = len(modules) - len(asking)
        return [Check("imports", True, f"{count} modules import{_of_left_out(asking)}")]
    return [Check(f"import {name}", False, why) for name, why in failed.items()]


def _failed(answer: Invocation) -> tuple[dict[str, str], list[str]]:
    """What did not import, and why; apart from it what only asks for something left out."""
    told = json.loads(answer.payload)
    asking: list[str] = told["left_out"]
    return {name: why for name, why in told["failed"].items() if name not in asking}, asking


def _of_left_out(asking: Sequence[str]) -> str:
    if not asking:
        return ""
    more = f" and {len(asking) - _NAMED} more" if len(asking) > _NAMED else ""
    return f"; what is left out is asked for by {', '.join(asking[:_NAMED])}{more}"


def _judge(case: Case, answer: Invocation) -> Check:
    name = f"invoke with {case.name}"
    if answer.outcome is not Outcome.SUCCESS:
        return Check(name, False, _words(answer))
    took = f"{answer.duration_ms:.0f} ms"
    if answer.init_ms is not None:
        took += f" after {answer.init_ms:.0f} ms of init"
    if case.expected is None:
        return Check(name, True, f"answered in {took}")
    if answers(case, answer.payload):
        return Check(name, True, f"the expected answer in {took}")
    return Check(name, False, f"another answer than expected: {_cut(answer.payload)}")


def answers(case: Case, payload: bytes) -> bool:
    """Whether a payload is the answer that a case expects, if it expects one."""
    if case.expected is None:
        return True
    found: Any = json.loads(payload)
    return bool(found == json.loads(case.expected))


def _words(answer: Invocation) -> str:
    return f"{answer.outcome}: {_cut(answer.payload)}"


def _cut(payload: bytes) -> str:
    text = payload.decode(errors="replace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
