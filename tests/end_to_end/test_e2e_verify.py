"""`wideload verify`: passes what runs, fails what does not, and says why."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from e2e_command import ZOO, Command, shared_cache, snapshot

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.sandbox, pytest.mark.network]


@pytest.fixture
def project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A copy of the zoo in which nothing is deployed."""
    folder = tmp_path / "functions"
    shutil.copytree(ZOO, folder, ignore=shutil.ignore_patterns("__pycache__", "pylock.*"))
    return Command(folder, shared_cache(tmp_path_factory))


def verdict(project: Command, name: str, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = project.run("verify", name, *arguments, "--json")
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    found: dict[str, Any] = done.json()
    assert (found["schema"], found["function"], found["passed"]) == (1, name, code == 0)
    assert found["passed"] == all(check["passed"] for check in found["checks"])
    return found


def test_what_runs_passes(project: Command) -> None:
    found = verdict(project, "adder")
    assert [check["name"] for check in found["checks"]] == ["imports", "invoke with event.json"]
    assert found["checks"][0]["detail"] == "1 modules import"
    assert found["checks"][1]["detail"].startswith("the expected answer in ")
    assert not (project.folder / ".wideload" / "local").exists(), "no AWS is started for it"
    assert (project.folder / ".wideload" / "build" / "adder" / "function.zip").is_file()


def test_another_answer_than_expected_fails(project: Command) -> None:
    expected = project.folder / "needs_data" / "expected.json"
    expected.write_text('{"capital": "Lima"}')
    (check,) = verdict(project, "needs_data", code=1)["checks"]
    assert check["name"] == "invoke with event.json"
    assert 'another answer than expected: {"capital": "Reykjavík"}' in check["detail"]
    text = project.run("verify", "needs_data")
    assert text.code == 1
    assert text.out.startswith("FAIL  invoke with event.json: another answer")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("raises", ["OutOfStock", "no umbrella left"]),
        ("bad_import", ["Runtime.ImportModuleError", "no_such_module"]),
        ("sleeps", ["Task timed out after 1.00 seconds"]),
        ("eats_memory", ["Runtime.ExitError", "signal: killed"]),
    ],
)
def test_what_does_not_run_fails_in_the_words_of_lambda(
    project: Command, name: str, words: list[str]
) -> None:
    (check,) = verdict(project, name, code=1)["checks"]
    assert check["passed"] is False
    for word in words:
        assert word in check["detail"]


def test_each_event_that_is_given_is_tried(project: Command, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('{"megabytes": 10}')
    bad.write_text('{"megabytes": 600}')
    found = verdict(
        project,
        "fills_tmp",
        "--event",
        str(good),
        "--event",
        str(bad),
        "--event",
        str(good),
        code=1,
    )
    assert [(check["name"], check["passed"]) for check in found["checks"]] == [
        ("invoke with good.json", True),
        ("invoke with bad.json", False),
        ("invoke with good.json", True),
    ]
    assert "[Errno 28] No space left on device" in found["checks"][1]["detail"]
    bad.write_text("{'megabytes': 1}")
    refused = project.refused("verify", "fills_tmp", "--event", str(bad))
    assert refused.what == f"the event {bad} is not JSON"


def test_a_module_of_a_package_that_does_not_import_fails(project: Command) -> None:
    # It lacks a package of the system, say, or a wheel was built for newer processors.
    wheelhouse = project.folder / "wheels"
    wheelhouse.mkdir()
    from wheel_maker import wheel  # noqa: PLC0415

    broken = wheel("brittle", files={"brittle.py": "import no_library_of_this_name\n"})
    (wheelhouse / broken.filename).write_bytes(broken.data)
    (project.folder / "adder" / "requirements.txt").write_text(
        "--find-links ../wheels\nbrittle\nroman==5.2\n"
    )
    found = verdict(project, "adder", code=1)
    failed = [check for check in found["checks"] if not check["passed"]]
    assert [check["name"] for check in failed] == ["import brittle"]
    assert "No module named 'no_library_of_this_name'" in failed[0]["detail"]


def test_what_this_machine_cannot_guarantee_is_said(project: Command) -> None:
    lacking = [
        f"{each['guarantee']}: {each['why']}"
        for each in project.json("local", "check")["guarantees"]
        if not each["given"]
    ]
    missing = verdict(project, "hello")["not_guaranteed"]
    assert [line for line in lacking if line.startswith("C library")] == [
        line for line in missing if line.startswith("C library")
    ]
    assert len(missing) >= len(lacking)
    text = project("verify", "hello")
    assert text.err.count("not guaranteed on this machine: ") == len(missing)


def test_verifying_changes_nothing_of_the_source(project: Command) -> None:
    before = snapshot(project.folder)
    project("verify", "package_handler")
    after = snapshot(project.folder)
    assert {path for path in after if path not in before} == {
        path for path in after if path.startswith(".wideload/build/package_handler/")
    }
    assert {path: after[path] for path in before} == before
