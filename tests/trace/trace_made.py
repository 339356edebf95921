"""Values and runs that the tests of tracing share."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

from wideload.trace.recorder import TracingSandbox, trace_function
from wideload.values.environment import EnvironmentSpec
from wideload.values.profile import PROFILE_SCHEMA, Profile, TracedEvent, Use, UsedPath
from wideload.values.target import Target
from wideload.values.tree import Derived, FileEntry, FileTree, LocalFile, Origin, WheelMember
from wideload.values.verdict import Case

TARGET = Target.parse("python3.13", "x86_64")


def wheel(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def packed(path: str, of: str = "", size: int = 10) -> FileEntry:
    """A file of a wheel; of the one named like its topmost folder, if none is named."""
    origin: Origin = WheelMember(wheel(of or path.split("/", maxsplit=1)[0]), path)
    return FileEntry(path, size, size, 0, 0o644, True, origin)


def own(path: str) -> FileEntry:
    return FileEntry(path, 10, 10, 0, 0o644, True, LocalFile(f"/home/me/{path}", "0"))


def derived(path: str, size: int = 10, of: str | None = None) -> FileEntry:
    """A file made of a wheel's; of nobody's where the name is empty."""
    name = path.split("/", maxsplit=1)[0] if of is None else of
    made = Derived("0", "bytecode/2", wheel(name) if name else "")
    return FileEntry(path, size, size, 0, 0o644, True, made)


def tree(*entries: FileEntry | str) -> FileTree:
    return FileTree.of(packed(each) if isinstance(each, str) else each for each in entries)


def used(*paths: str, use: Use = "open") -> Profile:
    return Profile(
        schema=PROFILE_SCHEMA,
        function="probe",
        target=TARGET,
        packages=("one==1.0",),
        events=(TracedEvent("event.json", "0" * 64),),
        entries=tuple(UsedPath(path, "init", use) for path in paths),
    )


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(textwrap.dedent(content))
        else:
            path.write_bytes(content)
            path.chmod(0o755)


def traced(
    sandbox: TracingSandbox, spec: EnvironmentSpec, files: dict[str, str | bytes], *events: bytes
) -> Profile:
    write(Path(spec.task), files)
    cases = [Case(f"{number}.json", event) for number, event in enumerate(events or (b"{}",))]
    return trace_function(sandbox, spec, cases, ["one==1.0"])
