from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3

from wideload.local import daemon

if TYPE_CHECKING:
    from local_aws import Aws

pytestmark = pytest.mark.network


class Cli:
    """The AWS CLI as anybody has it, pointed at the embedded AWS by its environment."""

    def __init__(self, aws: Aws) -> None:
        # One that is installed, or the newest of the index.
        found = shutil.which("aws")
        uv = Path(sys.executable).with_name("uv")
        self._command = [found] if found else [str(uv), "tool", "run", "--from", "awscli", "aws"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environ = kept | daemon.environment(aws.endpoint)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._command, *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr.strip()


@pytest.fixture
def cli(aws: Aws) -> Cli:
    return Cli(aws)


def test_files_go_up_and_down(cli: Cli, tmp_path: Path) -> None:
    bucket = f"cli-{time.time_ns()}"
    small, large = tmp_path / "small ü.txt", tmp_path / "large.bin"
    small.write_text("hello")
    large.write_bytes(os.urandom(30 << 20))
    assert cli("s3", "mb", f"s3://{bucket}") == f"make_bucket: {bucket}\n"
    for path in (small, large):
        cli("s3", "cp", "--no-progress", str(path), f"s3://{bucket}/folder/{path.name}")
    listed = cli("s3", "ls", f"s3://{bucket}/folder/").splitlines()
    assert [line.split(maxsplit=2)[2] for line in listed] == [
        "31457280 large.bin",
        "5 small ü.txt",
    ]
    assert cli("s3", "ls", f"s3://{bucket}").strip() == "PRE folder/"
    head = json.loads(cli("s3api", "head-object", "--bucket", bucket, "--key", "folder/large.bin"))
    assert head["ETag"].endswith('-4"')
    cli("s3", "cp", "--no-progress", f"s3://{bucket}/folder/large.bin", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    cli(
        *("s3api", "get-object", "--bucket", bucket, "--key", "folder/large.bin"),
        *("--range", "bytes=9000000-9000099", str(tmp_path / "range")),
    )
    assert (tmp_path / "range").read_bytes() == large.read_bytes()[9000000:9000100]
    assert "BucketNotEmpty" in cli.refused("s3", "rb", f"s3://{bucket}")


def test_a_folder_is_kept_in_step(cli: Cli, tmp_path: Path) -> None:
    bucket = f"cli-{time.time_ns()}"
    cli("s3", "mb", f"s3://{bucket}")
    for name in ("a", "b/c", "b/d"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    cli("s3", "sync", "--no-progress", str(tmp_path), f"s3://{bucket}/x")
    assert cli("s3", "sync", "--no-progress", str(tmp_path), f"s3://{bucket}/x") == ""
    (tmp_path / "b/c").unlink()
    told = cli("s3", "sync", "--delete", str(tmp_path), f"s3://{bucket}/x")
    assert told.strip() == f"delete: s3://{bucket}/x/b/c"
    cli("s3", "mv", f"s3://{bucket}/x/a", f"s3://{bucket}/y")
    cli("s3", "rb", "--force", f"s3://{bucket}")


def test_presigned_links(cli: Cli, aws: Aws) -> None:
    bucket = aws.bucket()
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"here")
    url = cli("s3", "presign", f"s3://{bucket}/k").strip()
    assert urllib3.request("GET", url).data == b"here"


def test_what_is_refused_is_told_as_aws_tells_it(cli: Cli, aws: Aws) -> None:
    assert (
        "An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: "
        "The specified bucket does not exist"
    ) in cli.refused("s3", "ls", "s3://no-such-bucket-anywhere")
    assert ("An error occurred (NoSuchEntity) when calling the GetRole operation") in cli.refused(
        "iam", "get-role", "--role-name", "absent"
    )
    cli.environ["AWS_SECRET_ACCESS_KEY"] = "x" * 40
    assert (
        "An error occurred (SignatureDoesNotMatch) when calling the GetCallerIdentity operation: "
        "The request signature we calculated does not match the signature you provided."
    ) in cli.refused("sts", "get-caller-identity")


def test_logs_are_followed(cli: Cli, aws: Aws) -> None:
    group = f"/aws/lambda/f{time.time_ns()}"
    aws.stub(group=group, stream="2026/11/21/[1]abc", text="START 1\nhello\nEND 1")
    told = json.loads(cli("logs", "filter-log-events", "--log-group-name", group))
    assert [event["message"] for event in told["events"]] == ["START 1", "hello", "END 1"]
