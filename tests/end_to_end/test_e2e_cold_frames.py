"""Bundles of which a start fetches what was traced, on the embedded AWS: whatever the trace says,
the answer is right, and what it did not foretell is in the log."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from e2e_command import EXAMPLES, Command, shared_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.heavy, pytest.mark.sandbox, pytest.mark.network]

# The last starts a process, to ask for fonts: from then on nothing is cold.
KINDS = ("edges", "groups", "columns", "chart")


def copied(folder: Any, name: str, more: str = "") -> None:
    left = shutil.ignore_patterns(".wideload", "pylock.*", "*.profile.json", "*.pyc")
    shutil.copytree(EXAMPLES / name, folder / name, ignore=left)
    table = f'[functions.{name}]\nsource = "{name}"\nhandler = "app.handler"\n'
    table += 'runtime = "python3.13"\nmemory = 1769\ntimeout = 60\nephemeral = 1024\n'
    table += 'strategy = "s3-bootstrap"\nbundle_start = "traced"\n'
    (folder / "wideload.toml").write_text(table + more)


def told(project: Command, name: str) -> list[dict[str, Any]]:
    """The lines of metrics in the function's log."""
    found = [line.partition('{"_aws"') for line in project("logs", name).out.splitlines()]
    return [json.loads(start + rest) for _, start, rest in found if start]


def invoked(project: Command, name: str, event: str = "event") -> Any:
    return project("invoke", name, "--event", f"{name}/{event}.json").json()


def expected(name: str, answer: str = "expected") -> Any:
    return json.loads((EXAMPLES / name / f"{answer}.json").read_bytes())


def bundle_size(project: Command, name: str) -> int:
    return (project.folder / ".wideload/build" / name / "bundle.bin").stat().st_size


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    folder = tmp_path_factory.mktemp("recommender")
    copied(folder, "recommender")
    project = Command(folder, shared_cache(tmp_path_factory))
    yield project
    project("local", "down")


def test_of_the_recommender_a_start_fetches_what_was_traced(recommender: Command) -> None:
    recommender("trace", "recommender")
    recommender("deploy", "recommender", "--to", "local")
    assert invoked(recommender, "recommender") == expected("recommender")
    lines = told(recommender, "recommender")
    assert {line["Phase"] for line in lines} == {"init"}
    size = bundle_size(recommender, "recommender")
    assert all(line["ColdHits"] == 0 for line in lines)
    assert all(0 < line["BundleBytes"] < size for line in lines)


def test_with_a_wrong_profile_the_answer_is_right_and_the_log_says_so(
    recommender: Command,
) -> None:
    """As if no event had used pandas, which is imported first of all."""
    path = recommender.folder / "recommender/recommender.profile.json"
    if not path.is_file():
        recommender("trace", "recommender")
    profile = json.loads(path.read_bytes())
    count = len(profile["entries"])
    profile["entries"] = [
        entry for entry in profile["entries"] if not entry[0].startswith("pandas")
    ]
    assert len(profile["entries"]) < count - 100
    path.write_text(json.dumps(profile))
    before = len(told(recommender, "recommender"))
    recommender("deploy", "recommender", "--to", "local")
    assert invoked(recommender, "recommender") == expected("recommender")
    lines = told(recommender, "recommender")[before:]
    starts = [line for line in lines if line["Phase"] == "init"]
    assert starts
    for line in starts:
        assert line["ColdHits"] > 1
        assert line["BundleWaits"] >= line["ColdHits"]
        assert line["ColdPaths"][0].startswith("pandas/__init__.py")


def test_each_kind_of_question_is_answered_by_a_package_that_came_late(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("analyst")
    copied(folder, "analyst")
    project = Command(folder, shared_cache(tmp_path_factory))
    try:
        project("trace", "analyst")
        project("deploy", "analyst", "--to", "local")
        assert invoked(project, "analyst") == expected("analyst")
        lines = told(project, "analyst")
        assert all(line["ColdHits"] == 0 for line in lines)
        hot = max(line["BundleBytes"] for line in lines)
        assert 0 < hot < bundle_size(project, "analyst") / 2
        for kind in KINDS:
            before = len(told(project, "analyst"))
            assert invoked(project, "analyst", f"events/{kind}") == expected(
                "analyst", f"events/{kind}.expected"
            )
            late = [line for line in told(project, "analyst")[before:] if line["Phase"] == "cold"]
            assert sum(line["ColdHits"] for line in late) > 0, kind
            assert sum(line["BundleBytes"] for line in late) > 0, kind
    finally:
        project("local", "down")
