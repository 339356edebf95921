"""Many functions deployed at once: layers shared, failures apart, kills mended."""

from __future__ import annotations

import json
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from e2e_command import Aws, Command, exports, shared_cache

from fleet_maker import HEAVY, NEEDS, app, fleet, stock
from local_index import LocalIndex
from wheel_maker import wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

LAYERED = tuple(NEEDS)


@pytest.fixture(scope="module")
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as index:
        stock(index)
        yield index


class Harbour:
    """A project of six functions with an embedded AWS of its own."""

    def __init__(self, folder: Path, cache: Path, index: LocalIndex) -> None:
        self.folder = fleet(folder)
        # The embedded AWS is started without: it fetches what a runtime carries from elsewhere.
        self.aws = Aws(exports(Command(folder, cache)("local", "env").out))
        self.wideload = Command(
            folder, cache, UV_DEFAULT_INDEX=index.url, NO_PROXY="127.0.0.1", UV_NO_CONFIG="1"
        )
        self.functions = self.aws.client("lambda")

    def layers(self) -> list[str]:
        """Every version of every layer that there is."""
        return sorted(
            version["LayerVersionArn"]
            for layer in self.functions.list_layers()["Layers"]
            for version in self.functions.list_layer_versions(LayerName=layer["LayerName"])[
                "LayerVersions"
            ]
        )

    def attached(self, name: str) -> list[str]:
        found = self.functions.get_function_configuration(FunctionName=name, Qualifier="live")
        return [layer["Arn"] for layer in found.get("Layers", [])]

    def answer(self, name: str) -> Any:
        answer = self.functions.invoke(FunctionName=name, Qualifier="live")
        assert "FunctionError" not in answer
        return json.loads(answer["Payload"].read())

    def deployed(self) -> set[str]:
        return {one["FunctionName"] for one in self.functions.list_functions()["Functions"]}


@pytest.fixture
def harbour(
    index: LocalIndex, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harbour]:
    harbour = Harbour(tmp_path / "harbour", shared_cache(tmp_path_factory), index)
    yield harbour
    harbour.wideload("local", "down")


def instructions(document: Any) -> dict[str, list[str]]:
    """What was done for each function that did not fail."""
    return {
        one["function"]: [line["do"] for line in one["document"]["instructions"]]
        for one in document["functions"]
        if one["document"]
    }


def errors(document: Any) -> dict[str, str]:
    return {one["function"]: one["error"]["what"] for one in document["functions"] if one["error"]}


def test_shared_layers_are_published_once_and_a_second_time_nothing_is_done(
    harbour: Harbour,
) -> None:
    first = harbour.wideload("deploy", "--all", "--json")
    document = first.json()
    assert document["schema"] == 1
    assert [one["function"] for one in document["functions"]] == [*LAYERED, "six"]
    assert errors(document) == {}
    for name in LAYERED:
        wanted = [f"{each} 1.0" for each in NEEDS[name] if each in HEAVY]
        assert harbour.answer(name) == wanted
    assert harbour.answer("six") == []
    published = harbour.layers()
    assert all(arn.endswith(":1") for arn in published), "none was published twice"
    attached = {name: harbour.attached(name) for name in LAYERED}
    assert sorted({arn for arns in attached.values() for arn in arns}) == published
    assert sum(map(len, attached.values())) > len(published), "some are shared"
    assert harbour.attached("six") == []
    # Each layer was sent once, whoever came first.
    build = harbour.folder / ".wideload" / "build"
    zips = {path.read_bytes() for path in build.glob("*/*.zip")}
    assert document["uploaded_bytes"] == sum(map(len, zips))
    # A line of each function, with its name, and no control sequence.
    assert "one: [1/" in first.err
    assert "\x1b" not in first.err
    second = harbour.wideload.json("deploy", "--all")
    assert set(map(tuple, instructions(second).values())) == {()}
    assert second["uploaded_bytes"] == 0
    # Nor for one alone, in whose folder nothing was ever built.
    assert harbour.wideload.json("deploy", "three")["instructions"] == []


def test_the_same_bytes_are_built_alone(harbour: Harbour) -> None:
    def sums(document: Any) -> list[str]:
        return [one["sha256"] for one in document["artifacts"]]

    alone = {name: sums(harbour.wideload.json("build", name)) for name in ("three", "two")}
    document = harbour.wideload.json("build", "--all")
    whole = {one["function"]: sums(one["document"]) for one in document["functions"]}
    assert {name: whole[name] for name in alone} == alone
    distinct = {each for one in whole.values() for each in one[1:]}
    assert len(document["layers"]) == len(distinct)
    assert document["stored_bytes"] < document["one_package_each_bytes"]


def test_what_fails_of_one_leaves_the_others_whole(harbour: Harbour, index: LocalIndex) -> None:
    # No such handler, more than Lambda takes, requirements that there are none of, a test that
    # fails, and a handler that cannot be imported.
    (harbour.folder / "one" / "app.py").write_text("def other(event, context):\n    return 1\n")
    zeros = b"\0" * 263_000_000
    index.add(wheel("huge", files={"huge/__init__.py": "", "huge/data.bin": zeros}))
    (harbour.folder / "two" / "requirements.txt").write_text("alpha\nhuge\n")
    (harbour.folder / "four" / "requirements.txt").write_text("no-such-package\n")
    (harbour.folder / "five" / "event.json").write_text("{}\n")
    (harbour.folder / "five" / "expected.json").write_text('["another"]\n')
    (harbour.folder / "six" / "event.json").write_text("{}\n")
    (harbour.folder / "six" / "app.py").write_text("import nowhere\n\ndef handler(e, c):\n    1\n")
    done = harbour.wideload.run("deploy", "--all", "--json")
    assert done.code == 1
    found = errors(done.json())
    assert set(found) == {"one", "two", "four", "five", "six"}
    assert instructions(done.json())["three"][-1] == "create-alias"
    assert harbour.answer("three") == [f"{name} 1.0" for name in HEAVY]
    for name, what in found.items():
        assert f"error: {name}: {what}\n" in done.err
    with pytest.raises(harbour.functions.exceptions.ResourceNotFoundException):
        harbour.functions.get_alias(FunctionName="five", Name="live")
    # Mended, only what failed is still to be done; those that serve are left alone.
    (harbour.folder / "one" / "app.py").write_text(app(NEEDS["one"]))
    (harbour.folder / "two" / "requirements.txt").write_text("\n".join(NEEDS["two"]))
    (harbour.folder / "four" / "requirements.txt").write_text("\n".join(NEEDS["four"]))
    (harbour.folder / "five" / "expected.json").write_text('["foxtrot 1.0"]\n')
    (harbour.folder / "six" / "app.py").write_text(app(()))
    mended = harbour.wideload("deploy", "--all")
    assert "nothing to do: three serves version 1 of this build" in mended.out
    assert mended.out.splitlines()[-1].startswith("5 of 6 functions deployed (")
    assert mended.out.endswith("1 had nothing to do\n")
    assert harbour.answer("five") == ["foxtrot 1.0"]


def test_a_new_version_that_fails_leaves_what_serves(harbour: Harbour, index: LocalIndex) -> None:
    harbour.wideload("deploy", "one", "five", "six")
    (harbour.folder / "five" / "event.json").write_text("{}\n")
    code = app(NEEDS["five"]).replace("return", "raise RuntimeError\n    return")
    (harbour.folder / "five" / "app.py").write_text(code)
    (harbour.folder / "one" / "app.py").write_text(app(NEEDS["one"]).replace("[alpha", "[2, alpha"))
    done = harbour.wideload.run("deploy", "five", "one")
    assert done.code == 1
    assert harbour.answer("five") == ["foxtrot 1.0"]
    assert harbour.answer("one")[0] == 2
    assert "five failed: " in done.out
    assert done.out.splitlines()[-1].startswith("1 of 2 functions deployed")


def test_killed_at_any_moment_it_is_finished_by_the_next(harbour: Harbour) -> None:
    harbour.wideload("build", "--all")
    started = time.monotonic()
    harbour.wideload("deploy", "--all", "--dry-run")
    before = time.monotonic() - started
    for share in (0.6, 0.8, 1.0, 1.3):
        process = harbour.wideload.start("deploy", "--all")
        time.sleep(before * share)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    document = harbour.wideload.json("deploy", "--all")
    assert errors(document) == {}
    for name in LAYERED:
        assert harbour.answer(name) == [f"{each} 1.0" for each in NEEDS[name] if each in HEAVY]
    assert all(arn.endswith(":1") for arn in harbour.layers())
    assert harbour.wideload.json("deploy", "--all")["uploaded_bytes"] == 0


def open_at_once(err: str) -> int:
    """How many deployments were under way at once, at most, by the lines that tell of them."""
    under_way: set[str] = set()
    most = 0
    for line in err.splitlines():
        found = re.match(r"(\w+): \[(\d+)/(\d+)\] ", line)
        if found:
            under_way.add(found[1])
            most = max(most, len(under_way))
            if found[2] == found[3]:
                under_way.discard(found[1])
    assert not under_way
    return most


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_more_at_once_than_asked_for(harbour: Harbour, jobs: int) -> None:
    done = harbour.wideload("deploy", "--all", "--jobs", str(jobs))
    assert 1 <= open_at_once(done.err) <= jobs
    assert harbour.deployed() == {*LAYERED, "six"}
