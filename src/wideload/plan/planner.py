"""Every way to ship a function, side by side, in order of merit. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from wideload import limits
from wideload.errors import WideloadError
from wideload.plan.bootstrap import bootstrapped
from wideload.plan.split.splitting import split
from wideload.values.function import Settings, Strategy
from wideload.values.instruction import megabytes
from wideload.values.proposal import LayerWeight, PackageWeight, Plan, Proposal, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wideload.values.attached import AttachedLayer
    from wideload.values.bundle import BundleEstimate
    from wideload.values.resolution import Resolution
    from wideload.values.slimmed import Slimmed
    from wideload.values.split import Place, Split

_COUNT = "layer-count"
_NOTHING: Mapping[str, Place] = MappingProxyType({})
_DEFAULTS = Settings()
ORDER = (Strategy.DIRECT_ZIP, Strategy.S3_ZIP, Strategy.LAYERS, Strategy.S3_BOOTSTRAP)
"""The ways that can be built, the simplest first. The others of `Strategy` are not offered."""


def propose(
    name: str,
    resolution: Resolution,
    slimmed: Slimmed,
    *,
    wanted: Strategy | Literal["auto"] = "auto",
    attached: Sequence[AttachedLayer] = (),
    pins: Mapping[str, Place] = _NOTHING,
    before: Mapping[str, Place] = _NOTHING,
    parted: Split | Refusal | None = None,
    bundle: BundleEstimate | None = None,
    settings: Settings = _DEFAULTS,
) -> Plan:
    """Weigh a slimmed function against each strategy's limits.

    :param wanted: take this strategy instead of the first that works.
    :param attached: layers made by others: what they take is no longer free.
    :param pins: where packages are to lie, by hand, if there are layers.
    :param before: where they lay before; the split stays near it.
    :param parted: the split, where it is known already.
    :param bundle: what the function would weigh if it were started from a bundle; nothing
        where there is nothing to put into one.
    :param settings: of the function: its /tmp and its variables.
    :raises WideloadError: a pin names a package or a place that there is none of.
    """
    parted = parted or split(
        slimmed.tree,
        resolution.wheels,
        resolution.target,
        attached=attached,
        pins=pins,
        before=before,
    )
    layers_bytes = sum(layer.unzipped_bytes for layer in attached)
    candidates = tuple(
        bootstrapped(name, slimmed.tree, layers_bytes, bundle, settings)
        if strategy is Strategy.S3_BOOTSTRAP
        else _weigh(strategy, slimmed, layers_bytes, parted)
        for strategy in ORDER
    )
    choice = None
    for candidate in candidates:
        if isinstance(candidate, Proposal) and wanted in ("auto", candidate.strategy):
            choice = candidate.strategy
            break
    by = {one.name: one.by for one in slimmed.provided}
    return Plan(
        function=name,
        target=resolution.target,
        packages=tuple(
            PackageWeight(
                name=wheel.name,
                version=wheel.version,
                unzipped_bytes=wheel.unzipped_bytes,
                zipped_bytes=wheel.zipped_bytes,
                provided_by=by.get(wheel.name),
            )
            for wheel in resolution.wheels
        ),
        candidates=candidates,
        choice=choice,
        downloaded_bytes=resolution.downloaded_bytes,
        exact=slimmed.exact,
        attached=tuple(
            LayerWeight(layer.arn, layer.zipped_bytes, layer.unzipped_bytes) for layer in attached
        ),
    )


def _weigh(
    strategy: Strategy, slimmed: Slimmed, layers_bytes: int, parted: Split | Refusal
) -> Proposal | Refusal:
    zipped, unzipped = slimmed.tree.zipped_bytes, slimmed.tree.unzipped_bytes
    fits = limits.check_unzipped(unzipped, layers_bytes)
    match strategy:
        case Strategy.DIRECT_ZIP:
            broken = [limit for limit in (limits.check_direct_zip(zipped), fits) if limit]
            reason = "one call, nothing else needed"
        case Strategy.S3_ZIP:
            broken = [fits] if fits else []
            reason = "a bucket takes what is too big for the request"
        case Strategy.LAYERS:
            return _layered(parted)
        case _:
            return Refusal(strategy, zipped, unzipped, reasons=("wideload cannot build this yet",))
    if broken:
        return Refusal(strategy, zipped, unzipped, limits=tuple(broken))
    return Proposal(strategy, zipped, unzipped, reason)


def _layered(parted: Split | Refusal) -> Proposal | Refusal:
    if isinstance(parted, Refusal):
        return parted
    count = len(parted.layers)
    reason = (
        f"{count} layer{'s' if count > 1 else ''} that other functions share; a change of the "
        f"code uploads {megabytes(parted.function.zipped_bytes)}"
        if count
        else "nothing of it is worth a layer"
    )
    return Proposal(
        Strategy.LAYERS, parted.zipped_bytes, parted.unzipped_bytes, reason, split=parted
    )


_MEND = {
    Strategy.LAYERS: "change where packages are to lie, or leave it to wideload",
    Strategy.S3_BOOTSTRAP: 'set strategy = "auto"',
}


def _distance(refusal: Refusal) -> tuple[bool, bool, bool, int]:
    return (
        not refusal.hint,
        refusal.strategy is Strategy.S3_BOOTSTRAP,
        refusal.strategy is Strategy.LAYERS,
        _over(refusal),
    )


def _over(refusal: Refusal) -> int:
    """Bytes by which the worst of its limits is broken; of layers alone AWS names less."""
    sizes = [limit for limit in refusal.limits if limit.limit != _COUNT]
    over = [limit.actual - limit.allowed for limit in sizes]
    return max(*over, refusal.unzipped_bytes - limits.CODE_SIZE_UNZIPPED, 0) if over else 0


def chosen(plan: Plan, wanted: Strategy | Literal["auto"]) -> Proposal:
    """The proposal to build.

    :raises WideloadError: the wanted strategy, or every one, is refused.
    """
    proposal = plan.chosen
    if proposal:
        return proposal
    refusals = [
        candidate
        for candidate in plan.candidates
        if isinstance(candidate, Refusal) and wanted in ("auto", candidate.strategy)
    ]
    if not refusals:
        raise WideloadError(
            f"wideload cannot ship {plan.function} by {wanted} yet",
            why=f"it builds {', '.join(ORDER[:-1])} and {ORDER[-1]}",
            hint='set strategy = "auto"',
        )
    # Of the way that is nearest to working: one that a line of the configuration mends, else
    # what it lacks is what has to go. Layers share the quota of the others, so they are no
    # nearer; where there is nothing to put into a bundle, a bundle does not help.
    nearest = min(refusals, key=_distance)
    words = "; ".join(dict.fromkeys(limit.aws_error for limit in nearest.limits))
    over = _over(nearest)
    way = "no way" if wanted == "auto" else f"{wanted} is no way"
    if nearest.reasons or not over:
        answer = [f"AWS would answer {words}"] if words else []
        raise WideloadError(
            f"{way} to ship {plan.function}",
            why="; ".join([*answer, *nearest.reasons]),
            hint=nearest.hint or _MEND.get(nearest.strategy, ""),
        )
    heaviest = sorted(
        (package for package in plan.packages if not package.provided_by),
        key=lambda package: -package.unzipped_bytes,
    )[:3]
    names = ", ".join(f"{one.name} ({one.unzipped_bytes / 1e6:.0f} MB)" for one in heaviest)
    raise WideloadError(
        f"{way} to ship {plan.function}: it is {over:,} bytes over",
        why=f"AWS would answer {words}",
        hint=f"the heaviest packages are {names}" if names else "",
    )
