"""Many functions at once, in words and as JSON."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from made_values import AL2, AL2023, sha256_of
from split_made import MB, dist, own, tree_of
from wideload.errors import WideloadError
from wideload.plan.split.splitting import split
from wideload.report.fleet import (
    fleet_build_json,
    fleet_build_text,
    fleet_deployment_json,
    fleet_deployment_text,
    fleet_plan_json,
    fleet_plan_text,
)
from wideload.values.artifact import MANIFEST_SCHEMA, Artifact, Manifest
from wideload.values.deployment import RESULT_SCHEMA, DeploymentResult, InstructionLine
from wideload.values.function import Settings, Strategy
from wideload.values.proposal import Plan, Proposal, Refusal
from wideload.values.split import Split

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wideload.values.resolution import Wheel

FAILED = WideloadError("it is broken", why="it was dropped", hint="mend it")
NUMPY, SCIPY = dist("numpy", 15 * MB), dist("scipy", 35 * MB)


def drawn(what: RenderableType) -> list[list[str]]:
    """The words of each line."""
    out = io.StringIO()
    Console(file=out, width=140, color_system=None).print(what)
    return [line.split() for line in out.getvalue().splitlines()]


def plan(name: str, *wheels: Wheel) -> Plan:
    """By layers."""
    tree = tree_of(wheels, [own(f"{name}.py")])
    found = split(tree, wheels, AL2023)
    assert isinstance(found, Split)
    return Plan(
        name,
        AL2023,
        (),
        (
            Refusal(Strategy.DIRECT_ZIP, tree.zipped_bytes, tree.unzipped_bytes),
            Proposal(
                Strategy.LAYERS, found.zipped_bytes, found.unzipped_bytes, "works", split=found
            ),
        ),
        Strategy.LAYERS,
        0,
    )


def test_layers_of_the_same_content_are_one() -> None:
    one, two = plan("one", NUMPY, SCIPY), plan("two", NUMPY)
    no_way = msgspec.structs.replace(plan("huge", NUMPY), choice=None)
    outcomes: dict[str, Plan | WideloadError] = {
        "one": one,
        "broken": FAILED,
        "two": two,
        "huge": no_way,
    }
    document = fleet_plan_json(outcomes)
    assert [(each["packages"], each["functions"]) for each in document["layers"]] == [
        (["numpy"], ["one", "two"]),
        (["scipy"], ["one"]),
    ]
    zipped = [layer["zipped_bytes"] for layer in document["layers"]]
    splits = [each.chosen.split for each in (one, two) if each.chosen and each.chosen.split]
    own_bytes = sum(each.function.zipped_bytes for each in splits)
    assert document["stored_bytes"] == sum(zipped) + own_bytes
    assert document["one_package_each_bytes"] == sum(
        each.candidates[0].zipped_bytes for each in (one, two)
    )
    errors = {each["function"]: each["error"] for each in document["functions"]}
    assert errors["broken"] == {
        "what": "it is broken",
        "why": "it was dropped",
        "hint": "mend it",
    }
    assert errors["huge"] is None
    rows = drawn(fleet_plan_text(outcomes))
    assert ["broken", "failed"] in rows
    assert ["huge", "no", "way"] in rows
    assert ["two", "layers", "15.0", "MB", "15.0", "MB", "1"] in rows
    assert ["15.0", "MB", "15.0", "MB", "2", "functions", "numpy"] in rows
    assert ["35.0", "MB", "35.0", "MB", "one", "scipy"] in rows
    assert any(" ".join(row).startswith("50.0 MB stored, with each layer once") for row in rows)


def test_layers_for_another_target_are_others() -> None:
    other = msgspec.structs.replace(plan("two", NUMPY), target=AL2)
    document = fleet_plan_json({"one": plan("one", NUMPY), "two": other})
    assert [each["functions"] for each in document["layers"]] == [["one"], ["two"]]


def manifest(name: str, *layers: str) -> Manifest:
    artifacts = [Artifact("function", "function.zip", sha256_of(name), 1000, 2000)]
    for number, layer in enumerate(layers, 1):
        role = f"layer-{number}"
        artifacts.append(Artifact(role, f"{role}.zip", sha256_of(layer), 5 * MB, 9 * MB, (layer,)))
    return Manifest(
        schema=MANIFEST_SCHEMA,
        function=name,
        strategy=Strategy.LAYERS,
        target=AL2023,
        handler="app.handler",
        settings=Settings(),
        artifacts=tuple(artifacts),
        files=(),
        wheels=(),
        removals=(),
    )


def test_builds() -> None:
    outcomes: dict[str, tuple[Manifest, str] | WideloadError] = {
        "one": (manifest("one", "numpy", "scipy"), "/project/one"),
        "two": (manifest("two", "numpy"), "/project/two"),
        "broken": FAILED,
    }
    document = fleet_build_json(outcomes)
    assert document["functions"][0]["document"]["folder"] == "/project/one"
    assert document["stored_bytes"] == 2 * 1000 + 2 * 5 * MB
    assert document["one_package_each_bytes"] == 2 * 1000 + 3 * 5 * MB
    rows = drawn(fleet_build_text(outcomes))
    assert ["one", "layers", "18.0", "MB", "10.0", "MB", "2"] in rows
    assert ["9.0", "MB", "5.0", "MB", "2", "functions", "numpy"] in rows


def result(name: str, *done: str) -> DeploymentResult:
    lines = tuple(InstructionLine("do", each) for each in done)
    sent = 1000 if done else 0
    return DeploymentResult(
        RESULT_SCHEMA, name, Strategy.LAYERS, "3", "live", sent, instructions=lines
    )


def test_deployments() -> None:
    outcomes: dict[str, DeploymentResult | WideloadError] = {
        "one": result("one", "act", "act again"),
        "two": result("two"),
        "three": FAILED,
    }
    assert fleet_deployment_text(outcomes, dry_run=False).splitlines() == [
        "one serves version 3 by layers (1.0 kB uploaded)",
        "nothing to do: two serves version 3 of this build",
        "three failed: it is broken",
        "1 of 3 functions deployed (1.0 kB uploaded), 1 had nothing to do, 1 failed",
    ]
    assert fleet_deployment_text(outcomes, dry_run=True).splitlines() == [
        "one:",
        "  act",
        "  act again",
        "nothing to do: two serves version 3 of this build",
        "three failed: it is broken",
    ]
    document = fleet_deployment_json(outcomes)
    assert (document["schema"], document["uploaded_bytes"]) == (1, 1000)
    assert [each["document"] is None for each in document["functions"]] == [False, False, True]
