"""`wideload local`: the embedded AWS comes, goes, and keeps what it was given."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from e2e_command import Aws, Command, exports, shared_cache
from e2e_shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.sandbox, pytest.mark.network]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"), shared_cache(tmp_path_factory))
    yield shop
    shop.wideload("local", "down")


@pytest.fixture
def bare(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """A folder in which nothing was started yet."""
    command = Command(tmp_path, shared_cache(tmp_path_factory))
    yield command
    command("local", "down")


def daemons(folder: Path) -> list[int]:
    """Processes that serve this project's embedded AWS."""
    state = str(folder / ".wideload" / "local")
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except OSError:  # it has ended
            continue
        if state in words and "wideload.embedded" in words:
            found.append(int(process.name))
    return found


def test_down_and_up_keeps_functions_and_objects(shop: Shop) -> None:
    shop.function("kept", 'strategy = "s3-zip"')
    shop.wideload("deploy", "kept")
    shop.edit("kept", 2)
    shop.wideload("deploy", "kept")
    s3 = shop.aws.client("s3")
    s3.create_bucket(Bucket="mine")
    s3.put_object(Bucket="mine", Key="k", Body=b"v")
    before = shop.there()
    assert len(daemons(shop.folder)) == 1
    assert shop.wideload("local", "down").err == "stopped\n"
    assert daemons(shop.folder) == []
    assert shop.wideload("local", "down").err == "it was not running\n"
    url = shop.aws.variables["AWS_ENDPOINT_URL"]
    assert shop.wideload("local", "up").err == f"the embedded AWS serves at {url}\n"
    assert exports(shop.wideload("local", "env").out) == shop.aws.variables
    assert shop.there() == before
    assert s3.get_object(Bucket="mine", Key="k")["Body"].read() == b"v"
    assert (shop.told("kept"), shop.told("kept", "1")) == (2, 1)
    # What was written before is gone; what is written now is found where it always was.
    assert shop.wideload("logs", "kept").out.count("START RequestId: ") == 2
    assert shop.wideload.json("deploy", "kept")["instructions"] == []


def test_it_starts_by_itself_once_however_many_ask_at_once(bare: Command, shop: Shop) -> None:
    shop.aws.client("s3").create_bucket(Bucket="only-there")
    asking = [bare.start("local", "env") for _ in range(3)]
    told = set()
    for process in asking:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        told.add(out)
    assert len(told) == 1
    running = json.loads((bare.folder / ".wideload" / "local" / "daemon.json").read_bytes())
    assert daemons(bare.folder) == [running["pid"]]
    aws = Aws(exports(told.pop()))
    assert aws.client("sts").get_caller_identity()["Account"] == "123456789012"
    # Nothing is shared with another project.
    assert aws.variables["AWS_ENDPOINT_URL"] != shop.aws.variables["AWS_ENDPOINT_URL"]
    assert aws.client("s3").list_buckets()["Buckets"] == []


def test_two_deployments_at_once_both_succeed(shop: Shop) -> None:
    shop.wideload("local", "down")
    for name in ("left", "right"):
        shop.function(name, 'strategy = "s3-zip"')
    deploying = [shop.wideload.start("deploy", name, "--json") for name in ("left", "right")]
    for process in deploying:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out)["version"] == "1"
    assert len(daemons(shop.folder)) == 1
    assert (shop.told("left"), shop.told("right")) == (1, 1)


def test_its_variables_are_for_a_shell(shop: Shop) -> None:
    lines = shop.wideload("local", "env").out.splitlines()
    names = [line.partition("=")[0] for line in lines]
    assert {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= set(names)
    script = 'eval "$(sed "s/^/export /")"; printf "%s|%s" "$AWS_ENDPOINT_URL" "$AWS_REGION"'
    done = subprocess.run(
        ["sh", "-c", script], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    url, region = done.stdout.split("|")
    assert (url, region) == (exports("\n".join(lines))["AWS_ENDPOINT_URL"], "us-east-1")
    assert url.startswith("http://127.0.0.1:")
