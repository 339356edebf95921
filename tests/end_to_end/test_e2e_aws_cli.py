"""The AWS CLI as anybody has it, against the embedded AWS: the commands of an exploration of
Lambda's limits, whose errors must be AWS's to the byte.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uv
from e2e_command import Command, Done, clean_environ, exports, shared_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

HANDLER = """
import os

def handler(event, context):
    size = os.path.getsize("classify_image_graph_def.pb")
    return {"answer": event["question"], "model_bytes": size}
"""
MODEL_BYTES = 56 << 20
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


class AwsCli:
    """The AWS CLI in a folder, with the variables of `wideload local env`."""

    def __init__(self, executable: str, folder: Path, variables: dict[str, str]) -> None:
        self.executable = executable
        self.folder = folder
        self._environ = clean_environ(AWS_PAGER="", **variables)

    def run(self, *arguments: str) -> Done:
        done = subprocess.run(
            [self.executable, *arguments],
            cwd=self.folder,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.code == 0, done.err
        return done.out

    def refused(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.code != 0, done.out
        return done.err.strip()


@pytest.fixture(scope="session")
def executable(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The newest AWS CLI of the index, in an environment that all workers share."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "awscli"
    with (shared / "awscli.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            for command in (
                ["venv", "--quiet", "--clear", str(folder)],
                ["pip", "install", "--quiet", "--python", str(folder), "awscli"],
            ):
                subprocess.run([uv.find_uv_bin(), *command], check=True, cwd=shared)
            (folder / "ready").touch()
    return str(folder / "bin" / "aws")


@pytest.fixture(scope="module")
def cli(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsCli]:
    """In a folder with what the exploration uploads, and with its role."""
    folder = tmp_path_factory.mktemp("exploration")
    wideload = Command(folder, shared_cache(tmp_path_factory))
    cli = AwsCli(executable, folder, exports(wideload("local", "env").out))
    # Random: what is zipped is no smaller, as with a trained model.
    with zipfile.ZipFile(folder / "MachineLearning.zip", "w") as archive:
        archive.writestr("tensorml.py", HANDLER)
        with archive.open("classify_image_graph_def.pb", "w") as file:
            for _ in range(MODEL_BYTES >> 20):
                file.write(os.urandom(1 << 20))
    with zipfile.ZipFile(folder / "small.zip", "w") as archive:
        archive.writestr("tensorml.py", "def handler(event, context):\n    return 'small'\n")
    with (folder / "sample300.txt").open("wb") as sample:
        sample.truncate(350_000_000)
    with zipfile.ZipFile(
        folder / "sample300.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1
    ) as archive:
        archive.write(folder / "sample300.txt", "sample300.txt")
    cli(
        *("iam", "create-role", "--role-name", "Test-role"),
        *("--assume-role-policy-document", json.dumps(TRUST)),
    )
    yield cli
    wideload("local", "down")


def create(package: str, function: str = "mlearn-test") -> tuple[str, ...]:
    role = "arn:aws:iam::123456789012:role/Test-role"
    code = ("--code", package) if "=" in package else ("--zip-file", f"fileb://./{package}")
    return (
        *("lambda", "create-function", "--function-name", function),
        *("--runtime", "python3.13", "--role", role, "--handler", "tensorml.handler", *code),
    )


def test_the_exploration_goes_as_it_was_told(cli: AwsCli) -> None:
    assert (cli.folder / "MachineLearning.zip").stat().st_size > MODEL_BYTES

    told = cli.refused(*create("MachineLearning.zip"))
    assert told == (
        "An error occurred (RequestEntityTooLargeException) when calling the CreateFunction "
        "operation: Request must be smaller than 70167211 bytes for the CreateFunction operation"
    )
    assert "ResourceNotFoundException" in cli.refused(
        "lambda", "get-function", "--function-name", "mlearn-test"
    )

    made = json.loads(cli(*create("small.zip")))
    assert made["FunctionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:mlearn-test"
    cli("lambda", "wait", "function-active-v2", "--function-name", "mlearn-test")
    update = ("lambda", "update-function-code", "--function-name", "mlearn-test")
    told = cli.refused(*update, "--zip-file", "fileb://./MachineLearning.zip")
    assert told == (
        "An error occurred (RequestEntityTooLargeException) when calling the UpdateFunctionCode "
        "operation: Request must be smaller than 69905067 bytes for the UpdateFunctionCode "
        "operation"
    )

    region = ("--region", "ap-south-1")
    assert cli("s3", "mb", "s3://mlearn-test", *region) == "make_bucket: mlearn-test\n"
    copy = ("s3", "cp", "./", "s3://mlearn-test/", "--recursive", "--exclude", "*", "--include")
    told = cli(*copy, "MachineLearning.zip", "--no-progress")
    assert told == "upload: ./MachineLearning.zip to s3://mlearn-test/MachineLearning.zip\n"
    assert [line.split()[-1] for line in cli("s3", "ls", "s3://mlearn-test").splitlines()] == [
        "MachineLearning.zip"
    ]


def test_from_s3_it_is_taken_and_runs(cli: AwsCli) -> None:
    cli("s3", "mb", "s3://from-s3")
    cli("s3", "cp", "./MachineLearning.zip", "s3://from-s3/", "--no-progress")
    function = ("--function-name", "from-s3")
    cli(*create("small.zip", "from-s3"))
    cli("lambda", "wait", "function-active-v2", *function)
    stored = ("--s3-bucket", "from-s3", "--s3-key", "MachineLearning.zip")
    updated = json.loads(cli("lambda", "update-function-code", *function, *stored))
    package = cli.folder / "MachineLearning.zip"
    assert updated["CodeSize"] == package.stat().st_size
    cli("lambda", "wait", "function-updated-v2", *function)
    told = json.loads(
        cli(
            *("lambda", "invoke", *function, "--log-type", "Tail"),
            *("--cli-binary-format", "raw-in-base64-out") if _is_v2(cli) else (),
            *("--payload", '{"question": 42}', "answer.json"),
        )
    )
    assert told["StatusCode"] == 200
    assert "FunctionError" not in told
    assert told["ExecutedVersion"] == "$LATEST"
    assert json.loads((cli.folder / "answer.json").read_bytes()) == {
        "answer": 42,
        "model_bytes": MODEL_BYTES,
    }
    logged = cli("logs", "filter-log-events", "--log-group-name", "/aws/lambda/from-s3")
    words = [event["message"].split()[0] for event in json.loads(logged)["events"]]
    assert words == ["START", "END", "REPORT"]


def test_unzipped_too_big_is_refused_from_s3(cli: AwsCli) -> None:
    cli("s3", "mb", "s3://zeros")
    cli(*create("small.zip", "zeros"))
    cli("lambda", "wait", "function-active-v2", "--function-name", "zeros")
    copy = ("s3", "cp", "./", "s3://zeros/", "--recursive", "--exclude", "*", "--include")
    cli(*copy, "sample300.zip", "--no-progress")
    told = cli.refused(
        *("lambda", "update-function-code", "--function-name", "zeros"),
        *("--s3-bucket", "zeros", "--s3-key", "sample300.zip"),
    )
    assert told == (
        "An error occurred (InvalidParameterValueException) when calling the UpdateFunctionCode "
        "operation: Unzipped size must be smaller than 262144000 bytes"
    )
    cli("lambda", "invoke", "--function-name", "zeros", "zeros.json")
    assert (cli.folder / "zeros.json").read_text() == '"small"', "the code of before stays"


def test_what_is_not_there_is_refused_as_aws_refuses(cli: AwsCli) -> None:
    update = ("lambda", "update-function-code", "--function-name", "absent")
    assert cli.refused(*update, "--zip-file", "fileb://./small.zip") == (
        "An error occurred (ResourceNotFoundException) when calling the UpdateFunctionCode "
        "operation: Function not found: "
        "arn:aws:lambda:us-east-1:123456789012:function:absent"
    )
    told = cli.refused(*create("S3Bucket=no-such-bucket-at-all,S3Key=x.zip", "absent"))
    assert told == (
        "An error occurred (InvalidParameterValueException) when calling the CreateFunction "
        "operation: Error occurred while GetObject. S3 Error Code: NoSuchBucket. "
        "S3 Error Message: The specified bucket does not exist"
    )


def _is_v2(cli: AwsCli) -> bool:
    return cli("--version").startswith("aws-cli/2")
