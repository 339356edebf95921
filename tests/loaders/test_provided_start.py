"""The user's executable is given all that Lambda would have given it, and its files."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from faulty_s3 import FaultyS3
from provided_world import FILES, RuntimeApi, laid

from wideload.build.bundle.provided import divide_provided
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provided_world import ProvidedWorld


def test_the_executable_runs_with_its_files_beside_it(provided: ProvidedWorld) -> None:
    outcome = provided.start()
    provided.right(outcome)
    assert outcome.timings["bytes"] == provided.bundle.size
    assert outcome.timings["reused_frames"] == 0


def test_it_is_the_process_that_lambda_started(provided: ProvidedWorld) -> None:
    read, write = os.pipe()
    with FaultyS3(provided.content) as s3:
        process = provided.begin(s3.url, "one", "t w o", descriptors=[write])
        outcome = provided.end(process)
    os.close(read)
    os.close(write)
    provided.right(outcome)
    told = outcome.told
    assert told["pid"] == process.pid
    assert told["argv"][1:] == ["one", "t w o"]
    assert told["input"] == "from its input"
    assert told["descriptors"] == [0, 1, 2, write]
    assert told["cwd"] == str(provided.tree)
    given = provided.environ(s3.url)
    moved = {"LAMBDA_TASK_ROOT": str(provided.tree), "PWD": str(provided.tree)}
    # Python itself sets one.
    assert told["environ"] | {"LC_CTYPE": ""} == given | moved | {"LC_CTYPE": ""}
    assert told["environ"]["_HANDLER"] == "the function's own"


def test_signals_limits_and_umask_are_as_they_were(provided: ProvidedWorld) -> None:
    soft, hard = 300, resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.umask(0o077)

    with FaultyS3(provided.content) as s3:
        process = subprocess.Popen(
            [provided.task / "bootstrap"],
            env=provided.environ(s3.url),
            cwd=provided.task,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=prepare,  # noqa: PLW1509 - the tests have no thread that it could meet
            restore_signals=False,
        )
        outcome = provided.end(process)
    provided.right(outcome)
    told = outcome.told
    assert int(told["blocked"], 16) == 1 << (signal.SIGUSR2 - 1)
    assert told["files_limit"] == [soft, hard]
    assert told["umask"] == 0o077


def test_what_is_there_is_not_fetched_again(provided: ProvidedWorld) -> None:
    provided.right(provided.start())
    again = provided.run("http://127.0.0.1:9")
    provided.right(again)
    assert again.timings["bytes"] == 0
    assert again.timings["reused_frames"] == provided.bundle.frames


def test_a_bundle_of_one_frame(make_provided: Callable[..., ProvidedWorld], tmp_path: Path) -> None:
    files = {name: FILES[name] for name in ("bootstrap", "data/words.txt")}
    world = make_provided(tmp_path, files=files)
    assert world.bundle.frames == 1
    world.right(world.start())


def test_an_executable_that_is_none_is_told(
    make_provided: Callable[..., ProvidedWorld], tmp_path: Path
) -> None:
    world = make_provided(tmp_path, files={"bootstrap": b"\0 not for this machine"})
    with RuntimeApi() as api:
        outcome = world.start(AWS_LAMBDA_RUNTIME_API=api.host)
    assert outcome.code == 1
    assert "bootstrap cannot be run; why: exec format error" in outcome.error
    assert "build it for linux on" in outcome.error
    assert len(api.reports) == 1


def test_what_it_is_loaded_by_is_missing(
    make_provided: Callable[..., ProvidedWorld], tmp_path: Path
) -> None:
    world = make_provided(tmp_path, files={"bootstrap": b"#!/nowhere/interpreter\n"})
    outcome = world.start()
    assert outcome.code == 1
    assert "what it is to be loaded by is not there" in outcome.error


def test_lambda_is_told_why_the_init_failed(provided: ProvidedWorld) -> None:
    with RuntimeApi() as api:
        outcome = provided.start(AWS_LAMBDA_RUNTIME_API=api.host, WIDELOAD_BUNDLE="nowhere")
    assert outcome.code == 1
    ((path, kind, body),) = api.reports
    assert path == "/2018-06-01/runtime/init/error"
    assert kind == body["errorType"] == "Runtime.BundleError"
    assert body["stackTrace"] == []
    assert body["errorMessage"] == (
        "the environment variable WIDELOAD_BUNDLE does not say where the bundle lies; "
        'why: it is "nowhere", not s3://bucket/key; hint: deploy the function again'
    )
    assert body["errorMessage"] in outcome.error


def test_without_a_runtime_api_the_error_is_told_all_the_same(provided: ProvidedWorld) -> None:
    outcome = provided.run("http://127.0.0.1:9", AWS_ACCESS_KEY_ID="")
    assert outcome.code == 1
    assert "there are no credentials to read the bundle with" in outcome.error


@pytest.mark.parametrize("name", ["index.json", "function.json"])
def test_a_damaged_zip_is_told(
    make_provided: Callable[..., ProvidedWorld], tmp_path: Path, name: str
) -> None:
    world = make_provided(tmp_path, files={"bootstrap": b"#!/bin/sh\n"})
    (world.task / "_wideload" / name).write_text("{")
    outcome = world.start()
    assert outcome.code == 1
    assert "the index of the bundle is damaged" in outcome.error


@pytest.mark.parametrize("path", ["../evil", "/evil", "a/../../evil", "a//b", "."])
def test_no_file_is_written_outside_of_the_folder(
    make_provided: Callable[..., ProvidedWorld], tmp_path: Path, path: str
) -> None:
    world = make_provided(tmp_path, files={"bootstrap": b"#!/bin/sh\n"})
    index = world.task / "_wideload/index.json"
    index.write_text(index.read_text().replace('["bootstrap"', f'["{path}"'))
    outcome = world.start()
    assert outcome.code == 1
    assert "is no path" in outcome.error
    assert not list(world.tmp.iterdir())


def test_a_folder_without_an_executable_is_refused(tmp_path: Path) -> None:
    tree = laid(tmp_path, {"main.go": b"package main", "data": b"1"})
    with pytest.raises(WideloadError, match="there is no executable `bootstrap`"):
        divide_provided(tree)
