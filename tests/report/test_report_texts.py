"""Values as text: what a table shows, in which order, and how sizes are written."""

from __future__ import annotations

import io
import json

import msgspec
import pytest
from rich.console import Console, RenderableType

from made_values import AL2023, member, resolution_of, sha256_of, slimmed_of, wheel_value
from wideload.limits import quotas
from wideload.plan.planner import propose
from wideload.report.build import build_json, build_text
from wideload.report.explanation import explanation_text
from wideload.report.limits import limits_json, limits_table
from wideload.report.plan import plan_text
from wideload.report.sizes import human
from wideload.values.account import Account
from wideload.values.artifact import Artifact, Manifest, ManifestFile
from wideload.values.explanation import Explanation
from wideload.values.function import Settings, Strategy
from wideload.values.proposal import Removal
from wideload.values.slimmed import Provided, Slimmed


def drawn(what: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=140, color_system=None).print(what)
    return out.getvalue()


def drawn_plan(slimmed: Slimmed, *names: str) -> str:
    wheels = [
        wheel_value(name, members=[member(f"{name}/x", 1000 * (number + 1))])
        for number, name in enumerate(names)
    ]
    return drawn(plan_text(propose("shop", resolution_of(*wheels), slimmed), slimmed))


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1234, "1.2 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (262_144_000, "262.1 MB"),
        (999_949_999, "999.9 MB"),
        (999_950_000, "1.0 GB"),
        (10 * 1024**3, "10.7 GB"),
    ],
)
def test_sizes_are_decimal(size: int, text: str) -> None:
    assert human(size) == text


def test_the_heaviest_packages_come_first_and_the_rest_is_summed() -> None:
    names = [f"p{number:02}" for number in range(15)]
    text = drawn_plan(slimmed_of(1000, 2000), *names)
    shown = [word for word in text.split() if word in names]
    assert shown == sorted(names, reverse=True)[:12]
    assert "3 more" in text
    assert "6.0 kB" in text
    assert "in 15 packages, 2.0 kB to ship" in text


def test_one_package_is_one() -> None:
    assert "in 1 package, " in drawn_plan(slimmed_of(1000, 2000), "demo")


def test_where_a_package_is_and_notes_are_shown() -> None:
    slimmed = Slimmed(
        slimmed_of(1000, 2000).tree,
        provided=(Provided("boto3", "runtime"),),
        notes=("the SDK is packed",),
    )
    text = drawn_plan(slimmed, "boto3", "numpy")
    assert "in the runtime" in next(line for line in text.splitlines() if "boto3" in line)
    assert "packed" in next(line for line in text.splitlines() if "numpy" in line)
    assert "note: the SDK is packed" in text


def test_the_way_taken_those_that_work_and_those_refused_are_marked() -> None:
    def marks(zipped: int, unzipped: int) -> dict[str, str]:
        text = drawn_plan(slimmed_of(zipped, unzipped))
        words = [line.split() for line in text.splitlines()]
        return {word[1]: word[0] for word in words if len(word) > 1 and word[1].endswith("-zip")}

    assert marks(1000, 2000) == {"direct-zip": "→", "s3-zip": "✓"}
    assert marks(60_000_000, 2000) == {"direct-zip": "✗", "s3-zip": "→"}
    assert marks(1000, 300_000_000) == {"direct-zip": "✗", "s3-zip": "✗"}


def test_the_words_of_aws_are_not_folded_away() -> None:
    text = drawn_plan(slimmed_of(60_000_000, 300_000_000))
    joined = " ".join(text.split())
    assert "Request must be smaller than 69905067 bytes for the UpdateFunctionCode" in joined
    assert "Unzipped size must be smaller than 262144000 bytes" in joined


def manifest() -> Manifest:
    removals = tuple(
        Removal(f"boto3/{number}.py", "runtime/1", "the runtime carries it", "boto3", 500, 200)
        for number in range(1200)
    )
    return Manifest(
        schema=1,
        function="shop",
        strategy=Strategy.S3_ZIP,
        target=AL2023,
        handler="app.handler",
        settings=Settings(),
        artifacts=(
            Artifact("function", "function.zip", sha256_of("zip"), 59_000_000, 184_000_000),
        ),
        files=(),
        wheels=(),
        removals=removals,
    )


def test_a_build_in_a_few_lines() -> None:
    assert build_text(manifest(), "out").splitlines() == [
        "built shop for s3-zip in out",
        f"  function.zip  59.0 MB zipped, 184.0 MB unzipped  sha256:{sha256_of('zip')}",
        "  left out by runtime/1: 1,200 files, 600.0 kB (the runtime carries it)",
    ]


def test_what_rules_made_is_told_apart_from_what_they_made_smaller() -> None:
    removals = (Removal("a/x.so", "elf/1", "not loaded", "a", 10, 5),)
    files = (
        ManifestFile("a/x.so", 90, "0", "a-1-py3-none-any.whl by elf/1"),
        ManifestFile("a/b.py", 7, "1", "a-1-py3-none-any.whl"),
        ManifestFile("a/b.pyc", 3_000, "2", "a-1-py3-none-any.whl by bytecode/2"),
        ManifestFile("app.py", 5, "3", "source"),
        ManifestFile("app.pyc", 2_000, "4", "bytecode/2"),
    )
    told = build_text(msgspec.structs.replace(manifest(), removals=removals, files=files), "out")
    assert told.splitlines()[2:] == [
        "  made smaller by elf/1: 1 file, 10 B less (not loaded)",
        "  added by bytecode/2: 2 files, 5.0 kB",
    ]


def test_rules_are_told_in_the_order_of_what_they_save() -> None:
    removals = (
        Removal("a/README", "docs/1", "a page", "a", 10, 5),
        Removal("a/tests/1.py", "tests/1", "a module of tests", "a", 300, 5),
        Removal("a/tests/2.py", "tests/1", "part of a test suite", "a", 400, 5),
    )
    told = build_text(msgspec.structs.replace(manifest(), removals=removals), "out")
    assert told.splitlines()[2:] == [
        "  left out by tests/1: 2 files, 700 B (part of a test suite)",
        "  left out by docs/1: 1 file, 10 B (a page)",
    ]


def test_a_case_tells_what_became_of_the_files() -> None:
    accounts = (
        Account("tests/1", "left out", "part of a test suite", 40, 2_000, 900),
        Account("elf/1", "made smaller", "not loaded: .symtab", 1, 70, 20),
        Account("bytecode/2", "added", "compiled", 3, -1_500, -700),
    )
    case = Explanation("a", "1.0", (("a",),), 3_000, 1_000, 2_500, 800, ("a",), 2_500, 800)
    text = explanation_text(msgspec.structs.replace(case, ledger=accounts))
    assert text.splitlines()[2:] == [
        "  raw      3.0 kB unzipped, 1.0 kB zipped",
        "  packed   2.5 kB unzipped, 800 B zipped",
        "    left out by tests/1: 40 files, 2.0 kB (part of a test suite)",
        "    made smaller by elf/1: 1 file, 70 B less (not loaded: .symtab)",
        "    added by bytecode/2: 3 files, 1.5 kB (compiled)",
        "  without it 2.5 kB unzipped and 800 B zipped less would ship",
    ]


def test_a_case_of_what_the_runtime_carries_would_free_nothing() -> None:
    case = Explanation("a", "1.0", (("a",),), 3_000, 1_000, 0, 0, ("a", "b"), 0, 0, "runtime")
    assert explanation_text(case).splitlines()[3:] == [
        "  packed   nothing: it is in the runtime",
        "  without it nothing less would ship",
    ]


def test_a_build_in_json() -> None:
    document = json.loads(json.dumps(build_json(manifest(), "out")))
    assert document["schema"] == 1
    assert document["strategy"] == "s3-zip"
    assert document["artifacts"][0]["sha256"] == sha256_of("zip")
    assert (document["files"], document["removed_files"]) == (0, 1200)


def test_every_quota_stands_in_both_forms() -> None:
    found = quotas()
    assert [one["name"] for one in limits_json(found)["limits"]] == [one.name for one in found]
    text = drawn(limits_table(found))
    for quota in found:
        assert quota.name in text
        assert f"{quota.value:,}" in text
