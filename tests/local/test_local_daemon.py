from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from local_aws import STUB, Aws, policy, refused, start

from wideload.errors import WideloadError
from wideload.local import daemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    daemon.stop(tmp_path / "state")


def _pid(state: Path) -> int:
    running = daemon.status(state)
    assert running is not None
    return running.pid


def _furnish(aws: Aws) -> dict[str, Any]:
    """Put something of everything there; what is to be found again."""
    aws.s3.create_bucket(Bucket="kept-bucket")
    aws.s3.put_bucket_versioning(
        Bucket="kept-bucket", VersioningConfiguration={"Status": "Enabled"}
    )
    versions = [
        aws.s3.put_object(Bucket="kept-bucket", Key="k", Body=body)["VersionId"]
        for body in (b"one", b"two")
    ]
    upload = aws.s3.create_multipart_upload(Bucket="kept-bucket", Key="parts")["UploadId"]
    aws.s3.upload_part(
        Bucket="kept-bucket", Key="parts", UploadId=upload, PartNumber=1, Body=b"part"
    )
    role = aws.role({"Action": "s3:*", "Resource": "*"})
    aws.iam.create_user(UserName="ann")
    aws.iam.put_user_policy(
        UserName="ann", PolicyName="p", PolicyDocument=policy({"Action": "*", "Resource": "*"})
    )
    user = aws.iam.create_access_key(UserName="ann")["AccessKey"]
    session = aws.sts.assume_role(RoleArn=role, RoleSessionName="kept")["Credentials"]
    return {
        "versions": versions,
        "upload": upload,
        "role": role,
        "user": (user["AccessKeyId"], user["SecretAccessKey"]),
        "session": (
            session["AccessKeyId"],
            session["SecretAccessKey"],
            session["SessionToken"],
        ),
    }


def _find_again(aws: Aws, there: dict[str, Any]) -> None:
    for version, body in zip(there["versions"], (b"one", b"two"), strict=True):
        got = aws.s3.get_object(Bucket="kept-bucket", Key="k", VersionId=version)
        assert got["Body"].read() == body
    parts = aws.s3.list_parts(Bucket="kept-bucket", Key="parts", UploadId=there["upload"])
    assert [part["Size"] for part in parts["Parts"]] == [4]
    role = aws.iam.get_role(RoleName=there["role"].rsplit("/", 1)[1])["Role"]
    assert role["Arn"] == there["role"]
    for keys in (there["user"], there["session"]):
        aws.with_keys(*keys).s3.list_objects_v2(Bucket="kept-bucket")
    with refused("NoSuchLifecycleConfiguration"):
        aws.s3.get_bucket_lifecycle_configuration(Bucket="kept-bucket")


def test_a_restart_keeps_everything_and_the_port_and_the_keys(state: Path) -> None:
    aws = start(state)
    there = _furnish(aws)
    assert daemon.stop(state) is True
    assert daemon.status(state) is None
    assert daemon.stop(state) is False
    again = start(state)
    assert again.endpoint == aws.endpoint
    _find_again(again, there)
    made = again.iam.create_role(RoleName="later", AssumeRolePolicyDocument=policy())
    assert made["Role"]["RoleId"] != ""


def test_what_an_account_has_from_the_start_is_the_same_after_a_restart(state: Path) -> None:
    aws = start(state)
    subnet = aws.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    efs = aws.client("efs")
    system = efs.create_file_system(CreationToken="t")["FileSystemId"]
    point = efs.create_access_point(ClientToken="t", FileSystemId=system)["AccessPointId"]
    target = efs.create_mount_target(FileSystemId=system, SubnetId=subnet)["MountTargetId"]
    uri = aws.client("ecr").create_repository(repositoryName="images")["repository"][
        "repositoryUri"
    ]
    daemon.stop(state)
    again = start(state)
    found = again.client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"]
    assert [each["SubnetId"] for each in found] == [subnet]
    points = again.client("efs").describe_access_points(AccessPointId=point)["AccessPoints"]
    assert [each["FileSystemId"] for each in points] == [system]
    targets = again.client("efs").describe_mount_targets(FileSystemId=system)["MountTargets"]
    assert [each["MountTargetId"] for each in targets] == [target]
    told = again.client("ecr").describe_repositories()["repositories"]
    assert [each["repositoryUri"] for each in told] == [uri]


def test_a_kill_keeps_everything(state: Path) -> None:
    aws = start(state)
    there = _furnish(aws)
    pid = _pid(state)
    os.kill(pid, signal.SIGKILL)
    again = start(state)
    assert _pid(state) != pid
    _find_again(again, there)


def test_a_kill_amid_uploads_leaves_whole_objects_or_none(state: Path) -> None:
    aws = start(state)
    bucket = aws.bucket()
    s3 = aws.s3
    body = os.urandom(1 << 20)

    def upload(number: int) -> None:
        try:
            s3.put_object(Bucket=bucket, Key=f"k{number}", Body=body)
        except Exception as error:  # whatever a client says of a server that is gone
            print(error)

    with ThreadPoolExecutor(8) as pool:
        for number in range(64):
            pool.submit(upload, number)
        time.sleep(0.3)
        os.kill(_pid(state), signal.SIGKILL)
    again = start(state).s3
    listed = again.list_objects_v2(Bucket=bucket).get("Contents", [])
    for each in listed:
        assert again.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() == body
    files = [path for path in (state / "objects").rglob("*") if path.is_file()]
    assert len(files) == len(listed)


def test_two_that_ask_at_once_get_the_same(state: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from local_aws import start;"
        "print(start(Path(sys.argv[1])).endpoint)"
    )
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(state)],
            stdout=subprocess.PIPE,
            cwd=os.path.dirname(__file__),  # noqa: PTH120
            text=True,
        )
        for _ in range(3)
    ]
    told = {each.communicate(timeout=60)[0] for each in asking}
    assert len(told) == 1
    assert told.pop().startswith("Endpoint(url='http://127.0.0.1:")
    assert (state / "daemon.log").read_text().count("Traceback") == 0


def test_a_second_in_the_foreground_is_refused(state: Path) -> None:
    start(state)
    second = subprocess.run([*STUB, str(state)], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "error: the embedded AWS is running already" in second.stderr


def test_another_port_is_taken_where_the_old_one_is_not_free(state: Path) -> None:
    first = start(state)
    daemon.stop(state)
    port = int(first.endpoint.url.rsplit(":", 1)[1])
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        second = start(state)
        assert second.endpoint.url != first.endpoint.url
        second.s3.list_buckets()


def test_it_ends_by_itself_when_nobody_asks(state: Path) -> None:
    start(state, idle_minutes=0.01)
    end = time.monotonic() + 15
    while daemon.status(state) is not None:
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_start_that_fails_shows_the_log(state: Path) -> None:
    command = (sys.executable, "-c", "import sys; print('no such luck'); sys.exit(3)")
    with pytest.raises(WideloadError) as caught:
        daemon.ensure(state, command=command)
    assert caught.value.why == "it ended with code 3\nno such luck"
    assert str(state / "daemon.log") in caught.value.hint


def test_a_state_that_cannot_be_read(state: Path) -> None:
    state.mkdir()
    (state / "aws.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(WideloadError) as caught:
        daemon.ensure(state, command=STUB)
    assert "the state of the embedded AWS cannot be read" in caught.value.why


def test_it_is_reached_on_loopback_only_and_keeps_its_secrets(state: Path) -> None:
    aws = start(state)
    assert aws.endpoint.url.startswith("http://127.0.0.1:")
    assert state.stat().st_mode & 0o077 == 0
    told = urllib3.request("GET", f"{aws.endpoint.url}/_wideload/health").json()
    assert set(told) == {"instance", "pid"}
    port = aws.endpoint.url.rsplit(":", 1)[1]
    listening = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True)  # noqa: PLW1510
    assert f"127.0.0.1:{port}" in listening.stdout
    assert len(listening.stdout.splitlines()) == 1


def test_the_environment_for_clients() -> None:
    endpoint = daemon.Endpoint("http://127.0.0.1:1", "AKIA", "secret", "eu-west-1", "1" * 12)
    told = daemon.environment(endpoint)
    assert told["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert (told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]) == ("AKIA", "secret")
    assert told["AWS_REGION"] == told["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert told["AWS_SESSION_TOKEN"] == ""
