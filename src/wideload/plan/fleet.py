"""Many functions split together, so that they share layers. Pure.

What is heavy is shared by content: the same files of the same wheel. Each function's layers
are exactly what it needs, so a layer is shared by functions that need all of it, and none
carries what it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from wideload.plan.split.atoms import Shapes
from wideload.plan.split.parting import (
    CODE_RATE,
    Decision,
    Group,
    Question,
    Shares,
    answer,
    ask,
    decide,
)
from wideload.plan.split.pins import checked_pins
from wideload.plan.split.sharing import Want, share
from wideload.plan.split.splitting import heavy_groups, split, stays
from wideload.values.fleet import FleetLayer, FleetPlan
from wideload.values.proposal import Refusal
from wideload.values.split import Split

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from wideload.plan.split.atoms import Atom
    from wideload.plan.split.layout import Layout
    from wideload.plan.split.search import Load
    from wideload.values.fleet import FleetMember
    from wideload.values.target import Target

_Numbers = tuple[int, ...]


_Key: TypeAlias = "tuple[Target, str, _Numbers]"
"""A layer: for which target, in which folder of the zip, and what it holds."""


class _Case(msgspec.Struct, frozen=True):
    """A function that can be split."""

    member: FleetMember
    question: Question

    def key(self, group: Group) -> _Key:
        """The layer that this group is."""
        return self.member.target, self.question.root, _numbers(group.atoms)


def plan_fleet(members: Sequence[FleetMember], *, layout: Layout = "python") -> FleetPlan:
    """Split all of these functions.

    Never more bytes are uploaded in a year than if each were split alone, by the weights of
    `wideload.plan.split`, with layers of the same content counted once. Functions with pins
    are split alone; others may share their layers all the same. Layers of before are kept if
    all of them together cost at most a quarter more. Where a function is to be held to what
    was before, nothing is weighed: the others are split as if its layers were free.

    :param members: each name once.
    :raises WideloadError: a pin names a package or a place that there is none of.
    """
    shapes, shares = Shapes(), Shares()
    held: dict[str, Split] = {}
    there: set[_Key] = set()
    cases: dict[str, _Case] = {}
    before: dict[str, _Case] = {}
    for member in members:
        kept = _ask(member, member.before, layout, shapes) if member.before else None
        groups = heavy_groups(kept) if member.held and isinstance(kept, Question) else None
        if isinstance(kept, Question) and groups is not None:
            decision = decide(kept, groups)
            found = answer(member.tree, kept, decision, shares)
            if isinstance(found, Split):
                held[member.name] = found
                there |= {_Case(member, kept).key(group) for group in decision.groups}
                continue
        asked = _ask(member, {}, layout, shapes)
        if isinstance(asked, Question):
            cases[member.name] = before[member.name] = _Case(member, asked)
            if isinstance(kept, Question) and not member.held:
                before[member.name] = _Case(member, kept)
    apart = _alone(cases)
    best, optimal = _together(cases, apart, there)
    if _cost(cases, apart, there) < _cost(cases, best, there):
        best = apart
    if any(before[name] is not case for name, case in cases.items()):
        same = {**best, **_alone(before)}
        if stays(_cost(before, same, there), _cost(cases, best, there)):
            cases, best, optimal = before, same, False
    splits: dict[str, Split | Refusal] = {}
    for member in members:
        if member.name in held:
            splits[member.name] = held[member.name]
        elif member.name in best:
            case = cases[member.name]
            splits[member.name] = answer(member.tree, case.question, best[member.name], shares)
        else:
            splits[member.name] = _refused(member, layout)
    targets = {member.name: member.target for member in members}
    return FleetPlan(splits, _layers(splits, targets), optimal and not held)


def _ask(
    member: FleetMember, before: Mapping[str, object], layout: Layout, shapes: Shapes
) -> Question | Refusal:
    return ask(
        member.tree,
        member.wheels,
        member.target,
        member.attached,
        checked_pins(member.pins, member.wheels),
        member.before if before else {},
        layout,
        None,
        shapes,
    )


def _refused(member: FleetMember, layout: Layout) -> Split | Refusal:
    return split(
        member.tree,
        member.wheels,
        member.target,
        attached=member.attached,
        pins=member.pins,
        layout=layout,
    )


def _numbers(atoms: Sequence[Atom]) -> _Numbers:
    return tuple(sorted(one.number for atom in atoms for one in atom.members))


def _alone(cases: Mapping[str, _Case]) -> dict[str, Decision]:
    """Each function's best; the same question is answered once."""
    known: dict[tuple[object, ...], tuple[Group, ...]] = {}
    found: dict[str, Decision] = {}
    for name, case in cases.items():
        question = case.question
        key = (
            _numbers(question.heavy),
            *(_numbers(group.atoms) for group in (*question.there, *question.there_light)),
            question.most_heavy,
            question.root,
        )
        if key in known:
            found[name] = decide(question, known[key])
            continue
        groups = heavy_groups(question)
        if groups is not None:
            known[key] = groups
            found[name] = decide(question, groups)
    return found


def _together(
    cases: Mapping[str, _Case], apart: Mapping[str, Decision], there: Collection[_Key]
) -> tuple[dict[str, Decision], bool]:
    """All functions of a target at once; and whether that is known to be the best.

    :param there: layers of functions that are not asked.
    """
    found = dict(apart)
    families: dict[tuple[Target, str], list[_Case]] = {}
    for name in apart:
        case = cases[name]
        if not case.question.there:
            families.setdefault((case.member.target, case.question.root), []).append(case)
    optimal = all(not case.question.there for case in cases.values())
    for (target, root), family in families.items():
        bits: dict[_Numbers, int] = {}
        atoms: list[Atom] = []
        loads: list[Load] = []
        wants: dict[Want, list[_Case]] = {}
        for case in family:
            mask = 0
            for atom in case.question.heavy:
                number = bits.setdefault(_numbers([atom]), len(bits))
                if number == len(atoms):
                    atoms.append(atom)
                    loads.append(case.question.load([atom]))
                mask |= 1 << number
            wants.setdefault(Want(mask, case.question.most_heavy), []).append(case)
        starts = [
            tuple(
                sorted(sum(1 << bits[_numbers([atom])] for atom in group.atoms) for group in heavy)
            )
            for heavy in (
                [one for one in apart[same[0].member.name].groups if one.is_heavy]
                for same in wants.values()
            )
        ]
        free = [
            mask
            for of, at, numbers in there
            if (of, at) == (target, root) and (mask := _mask(numbers, bits))
        ]
        shared = share(loads, list(wants), starts, free)
        optimal = optimal and shared.is_optimal
        for layers, same in zip(shared.layers, wants.values(), strict=True):
            groups = tuple(
                Group(tuple(atom for at, atom in enumerate(atoms) if mask >> at & 1))
                for mask in layers
            )
            for case in same:
                found[case.member.name] = decide(case.question, groups)
    return found, optimal


def _mask(numbers: _Numbers, bits: Mapping[_Numbers, int]) -> int:
    """A layer that holds just these as a set of what there is to place; 0 if it holds more."""
    mask, inside = 0, set(numbers)
    for atom, bit in bits.items():
        if inside.issuperset(atom):
            mask |= 1 << bit
            inside -= set(atom)
    return 0 if inside else mask


def _cost(
    cases: Mapping[str, _Case], decisions: Mapping[str, Decision], there: Collection[_Key]
) -> int:
    """Bytes uploaded in a year for all of them, each layer counted once."""
    layers: dict[_Key, int] = dict.fromkeys(there, 0)
    code = 0
    for name, decision in decisions.items():
        case = cases[name]
        code += CODE_RATE * case.question.load(decision.function).weight
        for group in decision.groups:
            key = case.key(group)
            if key not in layers:
                layers[key] = case.question.load(group.atoms).cost
    return code + sum(layers.values())


def _layers(
    splits: Mapping[str, Split | Refusal], targets: Mapping[str, Target]
) -> tuple[FleetLayer, ...]:
    # The same layer of the same plan is the same object: its digest is computed once.
    digests: dict[int, str] = {}
    found: dict[tuple[str, Target], FleetLayer] = {}
    for name, one in splits.items():
        for layer in one.layers if isinstance(one, Split) else ():
            digest = digests.setdefault(id(layer), "") or layer.digest
            digests[id(layer)] = digest
            key = (digest, targets[name])
            users = (*found[key].functions, name) if key in found else (name,)
            found[key] = FleetLayer(digest, targets[name], layer, tuple(sorted(users)))
    return tuple(
        sorted(
            found.values(), key=lambda one: (-len(one.functions), one.share.packages, one.functions)
        )
    )
