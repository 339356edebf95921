"""A slimmed tree becomes a function and layers."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from wideload.plan.split.atoms import Shapes
from wideload.plan.split.parting import (
    Group,
    Question,
    Shares,
    answer,
    ask,
    decide,
    groups_of,
    too_big,
)
from wideload.plan.split.pins import checked_pins
from wideload.plan.split.search import LAYER, partition
from wideload.values.proposal import Refusal
from wideload.values.split import Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wideload.plan.split.layout import Layout
    from wideload.values.attached import AttachedLayer
    from wideload.values.resolution import Wheel
    from wideload.values.split import Place
    from wideload.values.target import Target
    from wideload.values.tree import FileTree

_NOTHING: Mapping[str, Place] = MappingProxyType({})


def split(
    tree: FileTree,
    wheels: Sequence[Wheel],
    target: Target,
    *,
    attached: Sequence[AttachedLayer] = (),
    pins: Mapping[str, Place] = _NOTHING,
    before: Mapping[str, Place] = _NOTHING,
    layout: Layout = "python",
    largest_zip: int | None = None,
) -> Split | Refusal:
    """The best split of a function's files by the objective of this package.

    :param tree: slimmed. What is of no wheel is the user's own and stays in the function.
    :param wheels: of the resolution; more than what ships may be among them.
    :param attached: layers of others. They count against both quotas, and what they carry as
        well is packed into the function, where it hides theirs.
    :param pins: by hand, where packages lie. Layers stand in the order of their numbers, which
        may have gaps.
    :param before: the `places` of the last split. What lay in a layer stays there unless it
        does not fit, or costs a quarter more than the best split.
    :param largest_zip: bytes that each zip may have, where there is no bucket for bigger ones.
    :return: the split, or why there is none, in the words of AWS; where pins are at fault also
        the split that there would be without them.
    :raises WideloadError: a pin names a package or a place that there is none of.
    """
    pins = checked_pins(pins, wheels)
    shapes, shares = Shapes(), Shares()

    def attempt(pins: Mapping[str, Place]) -> Split | Refusal:
        asked = ask(tree, wheels, target, attached, pins, {}, layout, largest_zip, shapes)
        kept = asked
        if before:
            kept = ask(tree, wheels, target, attached, pins, before, layout, largest_zip, shapes)
        return _answered(tree, asked, kept, shares)

    found = attempt(pins)
    if isinstance(found, Refusal) and pins:
        free = attempt({})
        if isinstance(free, Split):
            return msgspec.structs.replace(
                found, reasons=(*found.reasons, f"without pins it would be {described(free)}")
            )
    return found


def keep(
    tree: FileTree,
    wheels: Sequence[Wheel],
    target: Target,
    before: Mapping[str, Place],
    *,
    attached: Sequence[AttachedLayer] = (),
    pins: Mapping[str, Place] = _NOTHING,
    layout: Layout = "python",
) -> Split | None:
    """The split that leaves everything where it lay, whatever else might be better.

    Only packages that are new are placed. It follows from nothing but what is given here.

    :param before: the `places` of the last split.
    :return: nothing where that is no longer possible.
    :raises WideloadError: as `split` says.
    """
    pins = checked_pins(pins, wheels)
    question = ask(tree, wheels, target, attached, pins, before, layout, None, Shapes())
    groups = heavy_groups(question) if isinstance(question, Question) else None
    if not isinstance(question, Question) or groups is None:
        return None
    found = answer(tree, question, decide(question, groups), Shares())
    return found if isinstance(found, Split) else None


def heavy_groups(question: Question) -> tuple[Group, ...] | None:
    """The best layers of what is heavy; nothing where none were found that fit."""
    loads = [question.load([atom]) for atom in question.heavy]
    there = [question.load(group.atoms) for group in question.there]
    found = partition(loads, there, question.most_heavy, question.room)
    if found is None and question.room is not None:
        found = partition(loads, there, question.slots - len(question.there_light), question.room)
    return groups_of(question, found) if found else None


def _answered(
    tree: FileTree, asked: Question | Refusal, kept: Question | Refusal, shares: Shares
) -> Split | Refusal:
    if isinstance(asked, Refusal):
        return asked
    groups = heavy_groups(asked)
    if groups is None:
        return too_big(tree, tree.zipped_bytes, asked.capacity or 0)
    best = decide(asked, groups)
    same = heavy_groups(kept) if isinstance(kept, Question) and kept is not asked else None
    if isinstance(kept, Question) and same is not None:
        decision = decide(kept, same)
        if stays(decision.cost, best.cost):
            found = answer(tree, kept, decision, shares)
            if isinstance(found, Split):
                return found
    return answer(tree, asked, best, shares)


def stays(cost: int, best: int) -> bool:
    """Whether what was before is kept, though something else may be better."""
    return cost <= best + best // 4 + LAYER


def described(split: Split) -> str:
    """A split in one line."""
    layers = [f"layer {n}: {', '.join(one.packages)}" for n, one in enumerate(split.layers, 1)]
    inside = f" with {', '.join(split.packages)}" if split.packages else ""
    return "; ".join([f"function: its own files{inside}", *layers])
