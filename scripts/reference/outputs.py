"""The pages of what programs read: the documents of --json, and manifest.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unittest import mock

import msgspec
from click.testing import CliRunner

from reference import samples
from reference.docstrings import of_fields
from reference.markdown import NOTICE, code, table
from reference.schemas import infer, rows
from wideload.cli import trace
from wideload.cli.group import wideload
from wideload.limits import Quota
from wideload.report.bench import bench_json
from wideload.report.build import build_json
from wideload.report.deployment import deployment_json, status_json
from wideload.report.explanation import explanation_json
from wideload.report.fleet import fleet_build_json, fleet_deployment_json, fleet_plan_json
from wideload.report.limits import limits_json
from wideload.report.plan import plan_json
from wideload.report.verdict import verdict_json
from wideload.sandbox.check import Capability
from wideload.values.artifact import Artifact, Manifest, ManifestFile, ManifestWheel
from wideload.values.deployment import (
    DeploymentResult,
    FunctionStatus,
    InstructionLine,
    LayerStatus,
    ProvisionedStatus,
    VersionStatus,
)
from wideload.values.explanation import Explanation
from wideload.values.function import Settings, Strategy
from wideload.values.merit import ColdStart, MonthlyCost
from wideload.values.network import Network
from wideload.values.profile import PackageUse
from wideload.values.proposal import BrokenLimit, PackageWeight, Plan, Proposal, Removal
from wideload.values.target import Target
from wideload.values.timing import Bench, Start, Timing
from wideload.values.verdict import Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

_JSON_HEAD = """\
# JSON output

One document on standard output, nothing else. `schema` is the number of the format: it rises
when a field goes or changes its meaning; fields may be added without it. Sizes are in bytes.
The JSON Schemas in [schemas/](schemas/) are for machines. The examples are made up.

"""

_MANIFEST_HEAD = """\
# manifest.json

Lies beside the artifacts of a build, in `.wideload/build/NAME/`. It accounts for every byte of
the package: each file with its digest and where it came from, and each file that was left out,
with the rule and the reason. Nothing in it depends on when or where it was built. It holds the
values of the function's environment variables.

Schema: [schemas/manifest.json](schemas/manifest.json).

"""

_FLEET = {
    "functions": "In the order asked; with `--all`, that of the configuration.",
    "functions[].error": "Why it failed; then the exit code is 1.",
}
_SHARED = {
    "layers": "Each content once, those that most functions share first.",
    "layers[].packages": "The distributions that it holds.",
    "layers[].functions": "Those that attach it.",
    "stored_bytes": "Zipped, of all functions, with each layer once.",
    "one_package_each_bytes": "What it would be if no layer were shared.",
}
_SCHEMA = "Number of this format."
_STRATEGY = "`" + "`, `".join(list(Strategy)[:-1]) + f"` or `{list(Strategy)[-1]}`."
_NO_ESTIMATE = "Null where a quota refuses it, or there is nothing to ship so."


class Document(msgspec.Struct, frozen=True):
    """One kind of document."""

    examples: list[Any]
    """All shapes; the first one is shown."""
    fields: dict[str, type]
    """The classes whose docstrings tell of the fields, by the path of the object."""
    meanings: dict[str, str] = {}
    """What no docstring says, by path."""

    def schema(self) -> dict[str, Any]:
        """The JSON Schema, with descriptions."""
        told = {"schema": _SCHEMA}
        for path, kind in self.fields.items():
            for name, said in of_fields(kind).items():
                told.setdefault(f"{path}.{name}".lstrip("."), said)
        # As a reader of the JSON gets them: tuples are arrays.
        return infer(json.loads(json.dumps(self.examples)), told | self.meanings)


def _apart(document: dict[str, Any]) -> dict[str, Any]:
    """Without the documents within, which have sections of their own."""
    for one in document["functions"]:
        one["document"] = one["document"] and {}
    return document


def _check() -> Any:
    with mock.patch("wideload.sandbox.check.capabilities", return_value=samples.CAPABILITIES):
        done = CliRunner().invoke(wideload, ["local", "check", "--json"])
    return json.loads(done.stdout)


def documents() -> Mapping[str, Document]:
    """What each verb with --json prints, by the verb."""
    return {
        "bench": Document(
            [bench_json(samples.BENCH)],
            {
                "": Bench,
                "target": Target,
                "network": Network,
                "timings[]": Timing,
                "timings[].starts[]": Start,
            },
            {
                "timings[].cold_ms": "Of all starts; not there where it fails.",
                "timings[].warm_ms": "Median of all warm calls.",
                "timings[].phases_ms": "Medians.",
                "advice": "What the measurements advise, for people.",
            },
        ),
        "build": Document(
            [build_json(samples.MANIFEST, "/project/.wideload/build/recommender")],
            {"artifacts[]": Artifact},
            {
                "strategy": _STRATEGY,
                "folder": "Absolute path of the artifacts and `manifest.json`.",
                "files": "How many files the package has.",
                "removed_files": "How many files of the wheels were left out.",
            },
        ),
        "build --all": Document(
            [
                _apart(
                    fleet_build_json(
                        {
                            "recommender": (samples.LAYERED_MANIFEST, "/project"),
                            "trader": samples.FAILURE,
                        }
                    )
                )
            ],
            {},
            _FLEET | _SHARED | {"functions[].document": "As `wideload build --json` prints it."},
        ),
        "deploy": Document(
            [
                deployment_json(samples.DEPLOYMENT),
                deployment_json(msgspec.structs.replace(samples.DEPLOYMENT, version=None)),
            ],
            {"": DeploymentResult, "instructions[]": InstructionLine},
            {
                "strategy": _STRATEGY,
                "alias": "What callers are to use.",
                "uploaded_bytes": "Sent by this run; 0 where it was there already.",
                "instructions[].text": "What it does, for people.",
            },
        ),
        "deploy --all": Document(
            [
                _apart(
                    fleet_deployment_json(
                        {"recommender": samples.DEPLOYMENT, "trader": samples.FAILURE}
                    )
                )
            ],
            {},
            _FLEET
            | {
                "functions[].document": "As `wideload deploy --json` prints it.",
                "uploaded_bytes": "Sent by this run, for all functions.",
            },
        ),
        "explain": Document(
            [
                explanation_json(samples.EXPLANATION),
                explanation_json(samples.PROVIDED_EXPLANATION),
            ],
            {"": Explanation},
            {
                "raw_unzipped": "Of all its files, as the wheel has them.",
                "raw_zipped": "Of all its files, as the wheel has them.",
                "packed_zipped": "With what a zip spends on each entry.",
                "provided_by": "`runtime` where it is not packed.",
            },
        ),
        "limits": Document(
            [limits_json(samples.QUOTAS)],
            {"limits[]": Quota},
            {
                "limits[].name": "The name that `refusals[].limit` of a plan uses.",
                "limits[].source": "Where the number was read.",
            },
        ),
        "local check": Document(
            [_check()],
            {"guarantees[]": Capability},
            {"guarantees[].given": "Whether functions that run here get it."},
        ),
        "plan": Document(
            [plan_json(samples.PLAN), plan_json(samples.REFUSED_PLAN)],
            {
                "": Plan,
                "packages[]": PackageWeight,
                "candidates[]": Proposal,
                "candidates[].cold_start": ColdStart,
                "candidates[].cost": MonthlyCost,
                "candidates[].refusals[]": BrokenLimit,
            },
            {
                "packages": "The wheels as they are, before anything is left out.",
                "candidates": "Every way: first what works, in the order of `prefer`, then what "
                "does not, the simplest first.",
                "candidates[].strategy": _STRATEGY,
                "candidates[].feasible": "Whether it works.",
                "candidates[].unzipped_bytes": "Of all files that ship.",
                "candidates[].zipped_bytes": "Of the zip; of the zips together where there are "
                "several.",
                "candidates[].split": "What lies where, where there are layers.",
                "candidates[].split.attached": "Layers made by others.",
                "candidates[].split.sum_unzipped_bytes": "Function, its layers and those of "
                "others, as Lambda adds them up.",
                "candidates[].split.allowed_unzipped_bytes": "What that sum may be.",
                "candidates[].reasons": "Why it stands where it does, or why it is refused "
                "besides quotas.",
                "candidates[].cold_start": _NO_ESTIMATE,
                "candidates[].cold_start.parts.*": "Seconds.",
                "candidates[].cost": _NO_ESTIMATE,
                "candidates[].cost.dollars_a_month": "All of it, in US dollars.",
                "candidates[].cost.storage": "Of what is kept where it costs something.",
                "candidates[].cost.basis": "In words.",
                "prefer": "By what the ways are in order: `simple`, `cold-start` or `cheap`.",
                "candidates[].refusals": "Every quota that it breaks.",
                "candidates[].refusals[].actual": "What AWS would measure.",
                "candidates[].bundle": "What lies where, where there is a bundle.",
                "candidates[].bundle.code_zipped_bytes": "Of the function's zip.",
                "candidates[].bundle.zipped_bytes": "That come from S3, an estimate.",
                "candidates[].bundle.unzipped_bytes": "That they unpack to.",
                "candidates[].bundle.tmp_bytes": "Of /tmp that they take.",
                "choice": "The strategy that `build` takes; null where none works.",
                "downloaded_bytes": "Fetched of the wheels to know all this; 0 where it was known.",
            },
        ),
        "plan --all": Document(
            [
                _apart(
                    fleet_plan_json(
                        {"recommender": samples.LAYERED_PLAN, "trader": samples.FAILURE}
                    )
                )
            ],
            {},
            _FLEET | _SHARED | {"functions[].document": "As `wideload plan --json` prints it."},
        ),
        "status": Document(
            [
                status_json(samples.STATUS),
                status_json(msgspec.structs.replace(samples.STATUS, version=None)),
            ],
            {
                "": FunctionStatus,
                "versions[]": VersionStatus,
                "layers[]": LayerStatus,
                "provisioned[]": ProvisionedStatus,
            },
            {"alias": "What callers are to use."},
        ),
        "trace": Document(
            [trace._json(samples.TRACED)],
            {"packages[]": PackageUse},
            {
                "profile": "Name of the profile, which lies beside the requirements.",
                "events": "The events that were run.",
                "packages[].name": "Empty for the function's own files.",
            },
        ),
        "verify": Document(
            [verdict_json(samples.MANIFEST, samples.VERDICT)],
            {"": Verdict, "checks[]": Check},
            {
                "strategy": _STRATEGY,
                "passed": "Whether every check did; otherwise the exit code is 1.",
                "checks[].detail": "For people.",
                "not_guaranteed": "Guarantees of Lambda's that this machine could not give.",
                "advice": "What the memory and /tmp that the events used advise, for people.",
            },
        ),
    }


def _manifest() -> Document:
    encoded = json.loads(msgspec.json.encode(samples.MANIFEST))
    unprovided = json.loads(msgspec.json.encode(samples.MANIFEST))
    unprovided["wheels"][0]["provided_by"] = None
    # What hangs on the user's own names or is a list of strings that may be empty.
    unprovided["settings"]["layers"] = ["arn:aws:lambda:eu-central-1:123456789012:layer:name:1"]
    return Document(
        [encoded, unprovided],
        {
            "": Manifest,
            "target": Target,
            "settings": Settings,
            "artifacts[]": Artifact,
            "files[]": ManifestFile,
            "wheels[]": ManifestWheel,
            "removals[]": Removal,
        },
        {
            "strategy": _STRATEGY,
            "settings": "What Lambda is told besides the code.",
            "settings.environment": "Environment variables.",
            "settings.environment.*": "The value of the variable of this name.",
            "files": "Every file of the package.",
            "wheels": "Every wheel of the resolution, packed or not.",
            "wheels[].provided_by": "`runtime` where it is not packed.",
            "removals": "The ledger: what was left out or made smaller.",
        },
    )


def _section(schema: dict[str, Any], example: Any) -> str:
    fields = [(f"`{path}`", kind, said) for path, kind, said in rows(schema)]
    shown = code(json.dumps(example, indent=2, ensure_ascii=False), "json")
    return table(("field", "type", "meaning"), fields) + "\n" + shown


def _schema_file(title: str, schema: dict[str, Any]) -> str:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def pages() -> dict[str, str]:
    """The two pages and the schemas."""
    made: dict[str, str] = {}
    parts = [NOTICE, _JSON_HEAD]
    for verb, document in documents().items():
        schema, file = (
            document.schema(),
            f"schemas/{verb.replace(' --', '-').replace(' ', '-')}.json",
        )
        parts.append(f"## wideload {verb} --json\n\nSchema: [{file}]({file}).\n\n")
        parts.append(_section(schema, document.examples[0]) + "\n")
        made[file] = _schema_file(f"wideload {verb} --json", schema)
    made["json.md"] = "".join(parts).rstrip() + "\n"
    manifest = _manifest()
    made["manifest.md"] = (
        NOTICE + _MANIFEST_HEAD + _section(manifest.schema(), manifest.examples[0])
    )
    made["schemas/manifest.json"] = _schema_file("manifest.json", manifest.schema())
    return made
