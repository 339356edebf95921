"""Every way to ship a function, side by side, in order of merit. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wideload import limits
from wideload.errors import WideloadError
from wideload.values.function import Strategy
from wideload.values.proposal import PackageWeight, Plan, Proposal, Refusal

if TYPE_CHECKING:
    from wideload.values.resolution import Resolution
    from wideload.values.slimmed import Slimmed

ORDER = (Strategy.DIRECT_ZIP, Strategy.S3_ZIP)
"""The ways that can be built, the simplest first. The others of `Strategy` are not offered."""


def propose(
    name: str,
    resolution: Resolution,
    slimmed: Slimmed,
    *,
    wanted: Strategy | Literal["auto"] = "auto",
    layers_bytes: int = 0,
) -> Plan:
    """Weigh a slimmed function against each strategy's limits.

    :param wanted: take this strategy instead of the first that works.
    :param layers_bytes: what attached layers take of the unzipped quota.
    """
    candidates = tuple(_weigh(strategy, slimmed, layers_bytes) for strategy in ORDER)
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
    )


def _weigh(strategy: Strategy, slimmed: Slimmed, layers_bytes: int) -> Proposal | Refusal:
    zipped, unzipped = slimmed.tree.zipped_bytes, slimmed.tree.unzipped_bytes
    fits = limits.check_unzipped(unzipped, layers_bytes)
    match strategy:
        case Strategy.DIRECT_ZIP:
            broken = [limit for limit in (limits.check_direct_zip(zipped), fits) if limit]
            reason = "one call, nothing else needed"
        case Strategy.S3_ZIP:
            broken = [fits] if fits else []
            reason = "a bucket takes what is too big for the request"
        case _:
            return Refusal(strategy, zipped, unzipped, reasons=("wideload cannot build this yet",))
    if broken:
        return Refusal(strategy, zipped, unzipped, limits=tuple(broken))
    return Proposal(strategy, zipped, unzipped, reason)


def _over(refusal: Refusal) -> int:
    """Bytes by which the worst of its limits is broken."""
    return max((limit.actual - limit.allowed for limit in refusal.limits), default=0)


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
            why=f"it builds {' and '.join(ORDER)}",
            hint='set strategy = "auto"',
        )
    # Of the way that is nearest to working: what it lacks is what has to go.
    nearest = min(refusals, key=_over)
    words = "; ".join(dict.fromkeys(limit.aws_error for limit in nearest.limits))
    over = _over(nearest)
    heaviest = sorted(
        (package for package in plan.packages if not package.provided_by),
        key=lambda package: -package.unzipped_bytes,
    )[:3]
    names = ", ".join(f"{one.name} ({one.unzipped_bytes / 1e6:.0f} MB)" for one in heaviest)
    way = "no way" if wanted == "auto" else f"{wanted} is no way"
    raise WideloadError(
        f"{way} to ship {plan.function}: it is {over:,} bytes over",
        why=f"AWS would answer {words}",
        hint=f"the heaviest packages are {names}" if names else "",
    )
