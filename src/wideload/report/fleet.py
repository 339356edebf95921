"""Many functions at once as JSON and as tables, with the layers that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wideload.errors import WideloadError
from wideload.report.build import build_json
from wideload.report.deployment import deployment_json, deployment_text
from wideload.report.plan import plan_json
from wideload.report.sizes import human
from wideload.values.artifact import Manifest
from wideload.values.deployment import DeploymentResult
from wideload.values.function import Strategy
from wideload.values.proposal import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import RenderableType

SCHEMA = 1
Made = TypeVar("Made")


class _Layer(msgspec.Struct, frozen=True):
    packages: tuple[str, ...]
    unzipped: int
    zipped: int
    functions: tuple[str, ...] = ()


class _Shipped(msgspec.Struct, frozen=True):
    """One function by the way that it is shipped."""

    name: str
    strategy: str
    unzipped: int
    own_zipped: int
    """Without layers."""
    layers: dict[str, _Layer]
    """By what tells contents apart, in the order in which they are attached."""
    whole_zipped: int
    """As one package."""

    @property
    def zipped(self) -> int:
        return self.own_zipped + sum(one.zipped for one in self.layers.values())


def fleet_plan_json(outcomes: Mapping[str, Plan | WideloadError]) -> dict[str, Any]:
    """The plans as `wideload plan --all --json` prints them."""
    return _json(outcomes, plan_json) | _shared_json(_planned(outcomes))


def fleet_plan_text(outcomes: Mapping[str, Plan | WideloadError]) -> RenderableType:
    """The plans for a terminal: each function's way in a line, the layers, what is stored."""
    tables = _tables(_planned(outcomes), outcomes)
    estimated = [name for name, plan in _whole(outcomes).items() if not plan.exact]
    if not estimated:
        return tables
    note = f"note: sizes are estimates until the first build: {', '.join(estimated)}"
    return Group(tables, Text(note, "yellow"))


def fleet_build_json(
    outcomes: Mapping[str, tuple[Manifest, str] | WideloadError],
) -> dict[str, Any]:
    """The builds, with their folders, as `wideload build --all --json` prints them."""
    return _json(outcomes, lambda made: build_json(*made)) | _shared_json(_built(outcomes))


def fleet_build_text(
    outcomes: Mapping[str, tuple[Manifest, str] | WideloadError],
) -> RenderableType:
    """The builds for a terminal."""
    return _tables(_built(outcomes), outcomes)


def fleet_deployment_json(
    outcomes: Mapping[str, DeploymentResult | WideloadError],
) -> dict[str, Any]:
    """The deployments as `wideload deploy --all --json` prints them."""
    uploaded = sum(one.uploaded_bytes for one in _whole(outcomes).values())
    return _json(outcomes, deployment_json) | {"uploaded_bytes": uploaded}


def fleet_deployment_text(
    outcomes: Mapping[str, DeploymentResult | WideloadError], *, dry_run: bool
) -> str:
    """What was done, or would be, and what was not."""
    lines: list[str] = []
    for name, one in outcomes.items():
        if isinstance(one, WideloadError):
            lines.append(f"{name} failed: {one.what}")
        elif dry_run and one.instructions:
            lines.append(f"{name}:")
            lines += [f"  {line}" for line in deployment_text(one, dry_run=True).splitlines()]
        else:
            lines.append(deployment_text(one, dry_run=dry_run))
    whole = _whole(outcomes)
    if not dry_run:
        changed = sum(bool(one.instructions) for one in whole.values())
        uploaded = sum(one.uploaded_bytes for one in whole.values())
        parts = [
            f"{changed} of {len(outcomes)} functions deployed ({human(uploaded)} uploaded)",
            *([f"{len(whole) - changed} had nothing to do"] if len(whole) > changed else []),
            *([f"{len(outcomes) - len(whole)} failed"] if len(outcomes) > len(whole) else []),
        ]
        lines.append(", ".join(parts))
    return "\n".join(lines)


def _whole(outcomes: Mapping[str, Made | WideloadError]) -> dict[str, Made]:
    return {name: one for name, one in outcomes.items() if not isinstance(one, WideloadError)}


def _json(
    outcomes: Mapping[str, Made | WideloadError], document: Callable[[Made], Any]
) -> dict[str, Any]:
    functions = [
        {
            "function": name,
            "document": None if isinstance(one, WideloadError) else document(one),
            "error": (
                {"what": one.what, "why": one.why, "hint": one.hint}
                if isinstance(one, WideloadError)
                else None
            ),
        }
        for name, one in outcomes.items()
    ]
    return {"schema": SCHEMA, "functions": functions}


def _planned(outcomes: Mapping[str, Plan | WideloadError]) -> list[_Shipped]:
    """Those that there is a way for."""
    found = []
    for name, plan in _whole(outcomes).items():
        way = plan.chosen
        if way is None:
            continue
        shares = way.split.layers if way.split else ()
        layers = {
            f"{plan.target.runtime} {plan.target.architecture} {share.digest}": _Layer(
                share.packages, share.tree.unzipped_bytes, share.tree.zipped_bytes
            )
            for share in shares
        }
        own = way.split.function.zipped_bytes if way.split else way.zipped_bytes
        # The first way is one package, whether AWS takes it or not.
        whole = plan.way(Strategy.DIRECT_ZIP).zipped_bytes
        found.append(_Shipped(name, way.strategy, way.unzipped_bytes, own, layers, whole))
    return found


def _built(outcomes: Mapping[str, tuple[Manifest, str] | WideloadError]) -> list[_Shipped]:
    found = []
    for name, (manifest, _) in _whole(outcomes).items():
        layers = {
            one.sha256: _Layer(one.packages, one.unzipped_bytes, one.size)
            for one in manifest.layers
        }
        unzipped = sum(one.unzipped_bytes for one in manifest.artifacts)
        own = sum(one.size for one in manifest.artifacts) - sum(
            one.zipped for one in layers.values()
        )
        whole = own + sum(one.zipped for one in layers.values())
        found.append(_Shipped(name, manifest.strategy, unzipped, own, layers, whole))
    return found


def _layers(shipped: Iterable[_Shipped]) -> list[_Layer]:
    """Each content once, those that most functions share first."""
    found: dict[str, _Layer] = {}
    for one in shipped:
        for key, layer in one.layers.items():
            users = (*found.get(key, layer).functions, one.name)
            found[key] = msgspec.structs.replace(layer, functions=users)
    return sorted(found.values(), key=lambda one: (-len(one.functions), -one.zipped, one.packages))


def _stored(shipped: Iterable[_Shipped], layers: Iterable[_Layer]) -> int:
    return sum(one.own_zipped for one in shipped) + sum(one.zipped for one in layers)


def _shared_json(shipped: list[_Shipped]) -> dict[str, Any]:
    layers = _layers(shipped)
    return {
        "layers": [
            {
                "packages": list(one.packages),
                "unzipped_bytes": one.unzipped,
                "zipped_bytes": one.zipped,
                "functions": list(one.functions),
            }
            for one in layers
        ],
        "stored_bytes": _stored(shipped, layers),
        "one_package_each_bytes": sum(one.whole_zipped for one in shipped),
    }


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        numeric = column in ("unzipped", "zipped", "layers", "used by")
        table.add_column(
            column,
            justify="right" if numeric else "left",
            no_wrap=column != "holds",
            overflow="fold",
        )
    return table


def _tables(
    shipped: list[_Shipped], outcomes: Mapping[str, object | WideloadError]
) -> RenderableType:
    layers = _layers(shipped)
    parts: list[RenderableType] = [_functions(shipped, outcomes)]
    if layers:
        parts.append(_layer_table(layers))
        stored, whole = _stored(shipped, layers), sum(one.whole_zipped for one in shipped)
        parts.append(
            Text(
                f"{human(stored)} stored, with each layer once; "
                f"{human(whole)} if each function were one package"
            )
        )
    return Group(*parts)


def _functions(shipped: list[_Shipped], outcomes: Mapping[str, object | WideloadError]) -> Table:
    ways = {one.name: one for one in shipped}
    table = _table("function", "strategy", "unzipped", "zipped", "layers")
    for name, outcome in outcomes.items():
        if name in ways:
            one = ways[name]
            count = str(len(one.layers)) if one.layers else ""
            table.add_row(name, one.strategy, human(one.unzipped), human(one.zipped), count)
        else:
            why = "failed" if isinstance(outcome, WideloadError) else "no way"
            table.add_row(name, Text(why, "red"), "", "", "")
    return table


def _layer_table(layers: list[_Layer]) -> Table:
    table = _table("unzipped", "zipped", "used by", "holds")
    for one in layers:
        users = one.functions[0] if len(one.functions) == 1 else f"{len(one.functions)} functions"
        table.add_row(human(one.unzipped), human(one.zipped), users, ", ".join(one.packages))
    return table
