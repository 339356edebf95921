"""What is seen of functions that use their package in every way there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from trace_made import traced, write

from wideload.errors import WideloadError
from wideload.interpreters import find_interpreter
from wideload.values.profile import Profile, UsedPath

if TYPE_CHECKING:
    from wideload.trace.recorder import TracingSandbox
    from wideload.values.environment import EnvironmentSpec

pytestmark = pytest.mark.sandbox

EVERY_WAY = """
    import ctypes, mmap, os, subprocess, sys, threading
    import one

    def read_in_thread():
        open("/var/task/data/threads.txt").close()

    def handler(event, context):
        match event:
            case "c":  # neither is seen by Python's own hooks as a file of that name
                ctypes.CDLL("/var/task/lib/copy.so")
            case "child":
                subprocess.run(["/var/task/bin/tool", "/var/task/data/childs.txt"], check=True)
            case "stat":
                assert os.path.exists("data/looked_at.txt")
                assert not os.path.exists("data/missing.txt")
            case "list":
                os.listdir("/var/task/data/listed")
            case "relative":
                os.chdir("/var/task/data")
                open("../data/deep/relative.txt").close()
            case "thread":
                thread = threading.Thread(target=read_in_thread)
                thread.start()
                thread.join()
            case "fail":
                try:
                    open("/var/task/data/absent.txt")
                except FileNotFoundError:
                    pass
                try:
                    open("/var/task/data/unused.txt", "w")
                except OSError:
                    pass
        return "fine"
"""


def files() -> dict[str, str | bytes]:
    libm = re.search(r"/\S*/libm\.so\.6|/\S*/libm-\S+\.so", Path("/proc/self/maps").read_text())
    assert libm, "this Python has no libm loaded"
    data = ("threads", "childs", "looked_at", "listed/a", "deep/relative", "unused")
    return {
        "app.py": EVERY_WAY,
        "one/__init__.py": "from one import used",
        "one/used.py": "",
        "one/unused.py": "",
        "lib/copy.so": Path(libm[0]).read_bytes(),
        # The dynamic linker finds it before the system's own.
        "lib/libm.so.6": Path(libm[0]).read_bytes(),
        "bin/tool": b'#!/bin/sh\nexec cat "$1"\n',
        **{f"data/{name}.txt": "x" for name in data},
    }


def by_phase(profile: Profile, phase: str) -> list[tuple[str, str]]:
    return [(each.path, each.use) for each in profile.entries if each.phase == phase]


def test_each_way_of_using_a_file_is_seen_in_its_phase(
    tracing_sandbox: TracingSandbox, spec: EnvironmentSpec
) -> None:
    events = (b'"c"', b'"child"', b'"stat"', b'"list"', b'"relative"', b'"thread"', b'"fail"')
    profile = traced(tracing_sandbox, spec, files(), *events)
    assert [event.name for event in profile.events] == [f"{number}.json" for number in range(7)]
    init = [each for each in by_phase(profile, "init") if each[1] != "list"]
    assert init == [
        ("lib/libm.so.6", "open"),
        ("app.py", "open"),
        ("one/__init__.py", "open"),
        ("one/used.py", "open"),
    ]
    assert by_phase(profile, "0.json") == [("lib/copy.so", "open")]
    assert by_phase(profile, "1.json") == [("bin/tool", "open"), ("data/childs.txt", "open")]
    assert by_phase(profile, "2.json") == [("data/looked_at.txt", "stat")]
    assert by_phase(profile, "3.json") == [("data/listed", "list")]
    assert by_phase(profile, "4.json") == [("data/deep/relative.txt", "open")]
    assert by_phase(profile, "5.json") == [("data/threads.txt", "open")]
    assert by_phase(profile, "6.json") == []
    assert profile.packages == ("one==1.0",)
    assert spec.task not in profile.encode().decode()


def test_a_source_whose_bytecode_is_not_to_be_checked_counts_as_used(
    tracing_sandbox: TracingSandbox, spec: EnvironmentSpec, tmp_path: Path
) -> None:
    """Python only stats such a source: watching opens would leave it out."""
    source: dict[str, str | bytes] = {
        "app.py": "import one, six\ndef handler(event, context): ...",
        "one/__init__.py": "",
        "one/unused.py": "",
        "six.py": "",
    }
    plain = traced(tracing_sandbox, spec, source)
    python = find_interpreter("3.13", tmp_path).executable
    compiling = [python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compiling, spec.task], check=True)
    assert (Path(spec.task) / "one" / "__pycache__").is_dir()
    beside = traced(tracing_sandbox, spec, source)
    assert beside.entries == plain.entries
    assert UsedPath("one/__init__.py", "init", "open") in beside.entries

    for cached in Path(spec.task).rglob("*.pyc"):
        name = f"{cached.name.partition('.')[0]}.pyc"
        cached.rename(cached.parent.parent / name)
    for path in source:
        (Path(spec.task) / path).unlink()
    sourceless = traced(tracing_sandbox, spec, {})
    assert sourceless.entries == plain.entries


def test_files_of_layers_are_named_as_the_package_names_them(
    tracing_sandbox: TracingSandbox, spec: EnvironmentSpec, tmp_path: Path
) -> None:
    code = 'import one, two\nopen("/opt/share/x").close()\ndef handler(event, context): ...'
    below, above = tmp_path / "below", tmp_path / "above"
    write(below, {"python/one/__init__.py": "", "python/one/unused.py": "", "share/x": "1"})
    write(above, {"python/lib/python3.13/site-packages/two.py": "", "share/x": "2"})
    layered = msgspec.structs.replace(spec, layers=(str(below), str(above)))
    profile = traced(tracing_sandbox, layered, {"app.py": code})
    assert profile.files == {"app.py", "one/__init__.py", "two.py", "/opt/share/x"}


def test_a_profile_is_the_same_each_time(
    tracing_sandbox: TracingSandbox, spec: EnvironmentSpec
) -> None:
    names = [f"m{number}" for number in range(12)]
    code = f"for name in set({names!r}): __import__(name)\ndef handler(event, context): ..."
    package: dict[str, str | bytes] = {"app.py": code, **{f"{name}.py": "" for name in names}}
    first = traced(tracing_sandbox, spec, package)
    assert traced(tracing_sandbox, spec, package).encode() == first.encode()
    assert len(first.files) == 13


def test_a_wrapper_of_the_functions_own_is_used_too(
    tracing_sandbox: TracingSandbox, spec: EnvironmentSpec
) -> None:
    wrapped = msgspec.structs.replace(
        spec, environment={"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/bin/wrap"}
    )
    package: dict[str, str | bytes] = {
        "app.py": 'import os\ndef handler(event, context): assert os.environ["WRAPPED"]',
        "bin/wrap": b'#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n',
    }
    assert traced(tracing_sandbox, wrapped, package).files == {"bin/wrap", "app.py"}


def test_events_of_one_name_are_told_apart(
    tracing_sandbox: TracingSandbox, spec: EnvironmentSpec
) -> None:
    from wideload.trace.recorder import trace_function  # noqa: PLC0415
    from wideload.values.verdict import Case  # noqa: PLC0415

    write(Path(spec.task), {"app.py": "def handler(event, context): ..."})
    cases = [Case("init", b"1"), Case("a.json", b"1"), Case("a.json", b"2")]
    profile = trace_function(tracing_sandbox, spec, cases, [])
    assert [event.name for event in profile.events] == ["init (2)", "a.json", "a.json (2)"]
    assert profile.events[1].sha256 != profile.events[2].sha256


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def handler(event, context): raise ValueError('not that')", "not that"),
        ("import nothing_like_it", "nothing_like_it"),
        ("import os\ndef handler(event, context): os._exit(3)", "exit status 3"),
    ],
)
def test_a_function_that_fails_teaches_nothing(
    tracing_sandbox: TracingSandbox, spec: EnvironmentSpec, code: str, words: str
) -> None:
    with pytest.raises(WideloadError, match=r"probe fails with 0\.json") as error:
        traced(tracing_sandbox, spec, {"app.py": code})
    assert words in error.value.why


def test_without_an_event_there_is_nothing_to_trace(
    tracing_sandbox: TracingSandbox, spec: EnvironmentSpec
) -> None:
    from wideload.trace.recorder import trace_function  # noqa: PLC0415

    with pytest.raises(WideloadError, match="no event to trace probe with") as error:
        trace_function(tracing_sandbox, spec, [], [])
    assert "--event" in error.value.hint


def test_a_tracer_that_may_not_trace_is_told_of(
    tracing_sandbox: TracingSandbox, spec: EnvironmentSpec
) -> None:
    """As where ptrace is forbidden: here the tracer is one that fails at once."""

    class Failing:
        def start(self, spec: EnvironmentSpec):  # type: ignore[no-untyped-def]
            words = ("/bin/sh", "-c", "echo strace: not permitted >&2; exit 1")
            return tracing_sandbox.start(msgspec.structs.replace(spec, wrapper=words))

    with pytest.raises(WideloadError, match="does not let a function be traced") as error:
        traced(Failing(), spec, {"app.py": "def handler(event, context): ..."})
    assert "strace: not permitted" in error.value.why
    assert shutil.which("strace")
