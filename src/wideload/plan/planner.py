"""Every way to ship a function, side by side, in order of merit. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from wideload import limits
from wideload.errors import WideloadError
from wideload.plan.ranking import ORDER, ranked
from wideload.plan.split.splitting import split
from wideload.plan.starting import Contents
from wideload.plan.ways import Case
from wideload.values.function import Settings, Strategy
from wideload.values.proposal import LayerWeight, PackageWeight, Plan, Proposal, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wideload.values.attached import AttachedLayer
    from wideload.values.bundle import BundleEstimate
    from wideload.values.function import Merit
    from wideload.values.image import ImageEstimate
    from wideload.values.merit import Measured
    from wideload.values.mount import MountEstimate
    from wideload.values.resolution import Resolution
    from wideload.values.slimmed import Slimmed
    from wideload.values.split import Place, Split

_ZIPS = (Strategy.DIRECT_ZIP, Strategy.S3_ZIP)
_COUNT = "layer-count"
_NOTHING: Mapping[str, Place] = MappingProxyType({})
_DEFAULTS = Settings()


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
    image: ImageEstimate | None = None,
    mount: MountEstimate | None = None,
    settings: Settings = _DEFAULTS,
    prefer: Merit = "simple",
    measured: Measured | None = None,
    needs_internet: bool = False,
) -> Plan:
    """Weigh a slimmed function against each strategy's limits.

    :param wanted: take this strategy instead of the first that works.
    :param attached: layers made by others: what they take is no longer free.
    :param pins: where packages are to lie, by hand, if there are layers.
    :param before: where they lay before; the split stays near it.
    :param parted: the split, where it is known already.
    :param bundle: what the function would weigh if it were started from a bundle; nothing
        where there is nothing to put into one.
    :param image: what it would weigh as an image; nothing where that is not known.
    :param mount: what it would weigh with its packages in a mounted directory; nothing where
        there is nothing to put into one.
    :param settings: of the function: its /tmp and its variables.
    :param prefer: by what the ways are put into order.
    :param measured: what `wideload bench` measured of this function as it is now.
    :param needs_internet: whether it calls hosts that a VPC has no way to by itself.
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
    case = Case(
        name,
        Contents(resolution.target, slimmed.tree),
        attached,
        parted,
        bundle,
        image,
        mount,
        settings,
        measured,
        needs_internet,
    )
    candidates = ranked([case.weigh(strategy) for strategy in ORDER], prefer)
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
        merit=prefer,
    )


_MEND = {
    Strategy.LAYERS: "change where packages are to lie, or leave it to wideload",
}


def _distance(refusal: Refusal) -> tuple[bool, int, bool, int]:
    # What hinders an image is something else that the user asked for.
    is_mended = bool(refusal.hint) and refusal.strategy is not Strategy.IMAGE
    return (
        not is_mended,
        ORDER.index(refusal.strategy) if is_mended else refusal.strategy not in _ZIPS,
        refusal.strategy is Strategy.S3_BOOTSTRAP,
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
    # Of the way that is nearest to working: one that a line of the configuration mends, else
    # what it lacks is what has to go. Layers share the quota of the others, so they are no
    # nearer; where there is nothing to put into a bundle, a bundle does not help. Of several
    # ways that a line mends the simplest.
    nearest = min(refusals, key=_distance)
    words = "; ".join(dict.fromkeys(limit.aws_error for limit in nearest.limits))
    over = _over(nearest)
    way = "no way" if wanted == "auto" else f"{wanted} is no way"
    if nearest.reasons or not over:
        answer = [f"AWS would answer {words}"] if words else []
        raise WideloadError(
            f"{way} to ship {plan.function}",
            why="; ".join([*answer, *nearest.reasons]),
            hint=nearest.hint
            or _MEND.get(nearest.strategy, "" if wanted == "auto" else 'set strategy = "auto"'),
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
