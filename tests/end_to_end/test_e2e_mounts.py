"""Functions that mount their packages, from EFS and from S3 Files: deployed, invoked, updated while
they are invoked, rolled back, swept, taken away."""

from __future__ import annotations

import json
import os
import shutil
import threading
from typing import TYPE_CHECKING, Any

import pytest
from e2e_command import EXAMPLES, Aws, Command, exports, shared_cache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.heavy, pytest.mark.sandbox, pytest.mark.network]

WAYS = ("efs", "s3-files")
SHOP = """\
[functions.shop]
handler = "app.handler"
runtime = "python3.13"
memory = 1769
timeout = 60
strategy = "{way}"
"""
# Tells where its package is from, and whether it may write there.
APP = """\
import importlib.metadata
import os
import idna

LINE = 1

def handler(event, context):
    folder = os.path.dirname(os.path.dirname(idna.__file__))
    try:
        open(os.path.join(folder, "mine"), "w").close()
        may_write = True
    except OSError:
        may_write = False
    return {
        "line": LINE,
        "idna": importlib.metadata.version("idna"),
        "mounted": folder.startswith(os.environ["WIDELOAD_MOUNT"]),
        "may_write": may_write,
    }
"""


class Shop:
    """A project with one function and an embedded AWS."""

    def __init__(self, folder: Path, cache: Path, way: str) -> None:
        folder.mkdir()
        self.wideload = Command(folder, cache)
        (folder / "wideload.toml").write_text(SHOP.format(way=way))
        (folder / "event.json").write_text("{}")
        self.write(1, "3.10")

    def write(self, line: int, version: str) -> None:
        folder = self.wideload.folder
        (folder / "app.py").write_text(APP.replace("LINE = 1", f"LINE = {line}"))
        (folder / "requirements.txt").write_text(f"idna=={version}\n")

    def deploy(self, *more: str) -> list[str]:
        done = self.wideload.json(
            "deploy", "shop", "--to", "local", "--create-network", "--upgrade", *more
        )
        return [line["do"] for line in done["instructions"]]

    def told(self) -> Any:
        return self.wideload("invoke", "shop", "--event", "event.json").json()


@pytest.fixture(params=WAYS)
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("mounts") / "shop"
    made = Shop(folder, shared_cache(tmp_path_factory), request.param)
    yield made
    made.wideload("local", "down")


def answer(line: int, version: str) -> dict[str, Any]:
    return {"line": line, "idna": version, "mounted": True, "may_write": False}


def test_deployed_changed_rolled_back_and_taken_away(shop: Shop) -> None:
    refusal = shop.wideload.refused("deploy", "shop", "--to", "local")
    assert "--create-network" in refusal.hint
    first = shop.deploy()
    assert "create-mount-target" in first
    assert shop.told() == answer(1, "3.10")
    # A changed line fills nothing, another package fills a directory beside the first.
    shop.write(2, "3.10")
    changed = shop.deploy()
    assert not {"fill-directory", "upload-files", "upload-object"} & set(changed)
    assert shop.told() == answer(2, "3.10")
    shop.write(2, "3.9")
    assert {"fill-directory", "upload-files"} & set(shop.deploy())
    assert shop.told() == answer(2, "3.9")
    shop.wideload("rollback", "shop", "--to", "local")
    assert shop.told() == answer(2, "3.10")
    # What a version names stays, young or not; what is gone takes its directories along.
    half = shop.wideload.cache / "wheels" / "00" / ".00.of-a-killed-run.partial"
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(b"half")
    os.utime(half, (1000, 1000))
    shop.wideload("gc", "--to", "local")
    assert not half.exists()
    assert shop.told() == answer(2, "3.10")
    shop.wideload("destroy", "shop", "--to", "local")
    state = shop.wideload.folder / ".wideload" / "local"
    assert not [path for path in (state / "efs").rglob("idna") if path.is_dir()]
    aws = Aws(exports(shop.wideload("local", "env").out))
    assert not aws.client("lambda").list_functions()["Functions"]
    for bucket in aws.client("s3").list_buckets()["Buckets"]:
        found = aws.client("s3").list_objects_v2(Bucket=bucket["Name"]).get("Contents", [])
        assert not [each for each in found if each["Key"].startswith("mounts/")]


def test_an_update_while_it_is_invoked_fails_and_mixes_nothing(shop: Shop) -> None:
    shop.deploy()
    aws = Aws(exports(shop.wideload("local", "env").out)).client("lambda")
    seen: list[Any] = []
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            told = aws.invoke(FunctionName="shop", Qualifier="live")
            seen.append((told.get("FunctionError"), json.loads(told["Payload"].read())))

    callers = [threading.Thread(target=call) for _ in range(2)]
    for caller in callers:
        caller.start()
    try:
        for line, version in ((2, "3.9"), (3, "3.8"), (4, "3.10")):
            shop.write(line, version)
            shop.deploy()
    finally:
        over.set()
        for caller in callers:
            caller.join()
    right = [answer(1, "3.10"), answer(2, "3.9"), answer(3, "3.8"), answer(4, "3.10")]
    assert len(seen) > 20
    assert not [each for each in seen if each[0] is not None or each[1] not in right]
    assert seen[0][1] == right[0]
    assert shop.told() == right[-1]


def test_it_is_proven_by_verify(shop: Shop) -> None:
    assert shop.wideload.json("verify", "shop")["passed"]


EXAMPLE = """\
[functions.{name}]
source = "{name}"
handler = "app.handler"
runtime = "python3.13"
memory = {memory}
timeout = 300
strategy = "{way}"
"""


def example(
    factory: pytest.TempPathFactory, name: str, way: str, memory: int = 1769
) -> tuple[Command, Any]:
    folder = factory.mktemp(f"{name}-{way}")
    ignored = shutil.ignore_patterns(".wideload", "*.pyc", "*.split.json")
    shutil.copytree(EXAMPLES / name, folder / name, ignore=ignored)
    (folder / "wideload.toml").write_text(EXAMPLE.format(name=name, way=way, memory=memory))
    expected = json.loads((folder / name / "expected.json").read_bytes())
    return Command(folder, shared_cache(factory)), expected


@pytest.mark.parametrize("way", WAYS)
def test_the_recommender(tmp_path_factory: pytest.TempPathFactory, way: str) -> None:
    project, expected = example(tmp_path_factory, "recommender", way)
    event = ("--event", "recommender/event.json")
    try:
        project("deploy", "recommender", "--to", "local", "--create-network")
        assert project("invoke", "recommender", *event).json() == expected
        app = project.folder / "recommender" / "app.py"
        app.write_text(app.read_text() + "\nVERSION = 2\n")
        changed = project.json("deploy", "recommender", "--to", "local")
        assert changed["version"] == "2"
        assert changed["uploaded_bytes"] < 100_000
        assert project("invoke", "recommender", *event).json() == expected
        project("rollback", "recommender", "--to", "local")
        assert project("invoke", "recommender", *event).json() == expected
    finally:
        project("local", "down")


def test_the_classifier_whose_model_lies_apart_from_its_code(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    model = EXAMPLES / "classifier" / "inception.weights.h5"
    assert model.exists(), "make it first, as examples/classifier/README.md says"
    project, expected = example(tmp_path_factory, "classifier", "efs", 3008)
    try:
        project("deploy", "classifier", "--to", "local", "--create-network")
        answered = project("invoke", "classifier", "--event", "classifier/event.json").json()
        assert answered == expected
    finally:
        project("local", "down")
