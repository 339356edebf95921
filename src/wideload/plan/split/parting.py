"""What there is to decide of a split, and the split that a decision makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload import limits
from wideload.plan.split.atoms import SMALL, Atom, Distribution, Shapes, Sides, take_apart
from wideload.plan.split.layout import layer_path, root_of
from wideload.plan.split.search import Load, Partition
from wideload.values.attached import PLAIN_ROOT
from wideload.values.function import Strategy
from wideload.values.proposal import BrokenLimit, Refusal
from wideload.values.split import Share, Split
from wideload.values.target import Family
from wideload.values.tree import FileEntry, FileTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wideload.plan.split.layout import Layout
    from wideload.values.attached import AttachedLayer
    from wideload.values.resolution import Wheel
    from wideload.values.split import Place
    from wideload.values.target import Target

CODE_RATE = 1000
"""Changes of the user's own code in a year: some each working day."""
_ZIP_END = FileTree(()).zipped_bytes
_BY_HAND, _BEFORE, _HEAVY, _LIGHT = range(4)


class Group(msgspec.Struct, frozen=True):
    """What is to lie in one layer."""

    atoms: tuple[Atom, ...]
    order: tuple[int, ...] = (_HEAVY,)
    """Layers are attached in this order, those that are equal in it the heaviest first."""

    @property
    def distributions(self) -> tuple[Distribution, ...]:
        """All of them, sorted by name."""
        return tuple(sorted((d for one in self.atoms for d in one.members), key=lambda d: d.name))

    @property
    def is_heavy(self) -> bool:
        """Whether any of it is worth a layer of its own."""
        return any(one.is_heavy for one in self.atoms)


class Question(msgspec.Struct, frozen=True):
    """A function taken apart, with what is decided already."""

    own: tuple[FileEntry, ...]
    function: tuple[Atom, ...]
    """What has to lie in the function."""
    there: tuple[Group, ...]
    """Layers that hold something by hand, or heavy from before."""
    there_light: tuple[Group, ...]
    """Layers that hold what is light, from before."""
    heavy: tuple[Atom, ...]
    light: tuple[Atom, ...]
    slots: int
    """Layers that there may be."""
    root: str
    attached_count: int
    attached_bytes: int
    capacity: int | None
    apart: bool = False
    """Whether what lies in a layer does not find what lies in the function: then no package
    lies there."""

    @property
    def most_heavy(self) -> int:
        """Layers for what is heavy: one is left for what is light, if there are two."""
        others = len(self.there_light)
        return max(self.slots - max(others, 1), len(self.there), min(1, self.slots - others))

    @property
    def room(self) -> int | None:
        """Bytes zipped that a layer may hold."""
        return None if self.capacity is None else self.capacity - _ZIP_END

    def load(self, atoms: Iterable[Atom]) -> Load:
        """What these are to the search."""
        members = [member for one in atoms for member in one.members]
        prefix = 2 * len(f"{self.root}/")
        return Load(
            sum(one.rate for one in members),
            sum(one.weight for one in members),
            sum(one.zipped + prefix * len(one.entries) for one in members),
        )


def refusal(tree: FileTree, *broken: BrokenLimit | None, reasons: Iterable[str] = ()) -> Refusal:
    """Layers are no way, and why."""
    return Refusal(
        Strategy.LAYERS,
        tree.zipped_bytes,
        tree.unzipped_bytes,
        tuple(limit for limit in broken if limit),
        tuple(reasons),
    )


def ask(
    tree: FileTree,
    wheels: Sequence[Wheel],
    target: Target,
    attached: Sequence[AttachedLayer],
    pins: Mapping[str, Place],
    before: Mapping[str, Place],
    layout: Layout,
    capacity: int | None,
    shapes: Shapes,
) -> Question | Refusal:
    """Take a function apart.

    :param pins: checked.
    :param before: layers that stay as they are, as far as they can.
    """
    sides = take_apart(tree, wheels, shapes)
    hidden = _hidden(sides, attached, layout)
    function: list[Atom] = []
    loose: list[Atom] = []
    by_hand: dict[int, list[Atom]] = {}
    for group in sides.together:
        members = tuple(sides.distributions[index] for index in group)
        inside = [one.name for one in members if pins.get(one.name) == "function"]
        stay = [*(sides.distributions[i].name for i in group if i in sides.grown | hidden), *inside]
        outside = [one for one in members if isinstance(pins.get(one.name), int)]
        if stay and target.family is Family.NODE:
            why = f"{stay[0]} would lie in the function, where packages in layers do not find it"
            return refusal(tree, reasons=[why])
        if stay and outside:
            return refusal(tree, reasons=[_contradiction(stay[0], outside[0].name, sides, hidden)])
        if stay:
            function.append(Atom(members))
        elif outside:
            # Between layers nothing has to stay together; what is left goes with the first.
            first = min(number for one in outside if isinstance(number := pins[one.name], int))
            for one in members:
                number = pins.get(one.name, first)
                if isinstance(number, int):
                    by_hand.setdefault(number, []).append(Atom((one,)))
        else:
            loose.append(Atom(members))
    there = {(_BY_HAND, number): atoms for number, atoms in sorted(by_hand.items())}
    free = _settle(loose, there, pins, before)
    groups = [Group(tuple(atoms), order) for order, atoms in there.items()]
    light = [one for one in groups if one.order[0] == _BEFORE and not one.is_heavy]
    slots = limits.LAYER_COUNT - len(attached)
    question = Question(
        own=sides.own,
        function=tuple(function),
        there=tuple(one for one in groups if one not in light),
        there_light=tuple(light),
        heavy=tuple(one for one in free if one.is_heavy),
        light=tuple(one for one in free if not one.is_heavy),
        slots=max(slots, 0),
        root=root_of(layout, target),
        attached_count=len(attached),
        attached_bytes=sum(layer.unzipped_bytes for layer in attached),
        capacity=capacity,
        apart=target.family is Family.NODE,
    )
    needed = max(len(there), 1 if loose else 0)
    if needed > slots:
        inside_bytes = sum(entry.size for entry in sides.own) + sum(
            entry.size for one in function for member in one.members for entry in member.entries
        )
        outside_bytes = tree.unzipped_bytes - inside_bytes + question.attached_bytes
        return refusal(
            tree,
            limits.check_layer_count(len(attached) + needed),
            limits.check_unzipped(inside_bytes, outside_bytes),
        )
    return question


def _settle(
    loose: Sequence[Atom],
    there: dict[tuple[int, int], list[Atom]],
    pins: Mapping[str, Place],
    before: Mapping[str, Place],
) -> list[Atom]:
    """Put what lay in a layer before into it again; return the rest."""
    # Where a pinned package lay before is the layer of its pin.
    same = {before[name]: (_BY_HAND, place) for name, place in pins.items() if name in before}
    free = []
    for atom in loose:
        places = {before.get(name) for name in atom.names}
        place = places.pop() if len(places) == 1 else None
        if isinstance(place, int):
            kind, number = same.get(place, (_BEFORE, place))
            if isinstance(number, int):
                there.setdefault((kind, number), []).append(atom)
                continue
        free.append(atom)
    return free


def _hidden(sides: Sides, attached: Sequence[AttachedLayer], layout: Layout) -> frozenset[int]:
    """Indices of the distributions that layers of others carry as well.

    In one folder the files of both would mix. In the function ours are found first.
    """
    roots = {one.root for layer in attached for one in layer.distributions}
    roots |= {one.root for layer in attached for one in layer.extensions}
    if layout == "site-packages" and roots <= {PLAIN_ROOT}:
        return frozenset()
    names = {one.name for layer in attached for one in layer.distributions}
    modules = {module for layer in attached for module in layer.modules}
    return frozenset(
        index
        for index, one in enumerate(sides.distributions)
        if one.name in names or one.shape.solid & modules
    )


def _contradiction(stays: str, pinned: str, sides: Sides, hidden: frozenset[int]) -> str:
    index = [one.name for one in sides.distributions].index(stays)
    if index in sides.grown:
        why = f"{stays} meets files of the function's own in one package"
    elif index in hidden:
        why = f"an attached layer carries {stays} as well, which only the function's own hides"
    else:
        why = f"{stays} is to lie in the function"
    if stays == pinned:
        return f"{pinned} cannot lie in a layer: {why}"
    return (
        f"{pinned} cannot lie in a layer: it has to stay with {stays}, and {why}; Python looks "
        "for the modules of a package in one of function and layers only"
    )


class Shares:
    """Layers as they were made before, by what they hold."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[int, ...]], Share] = {}

    def share(self, distributions: tuple[Distribution, ...], root: str) -> Share:
        """The layer of these distributions, sorted by name."""
        key = (root, tuple(one.number for one in distributions))
        if key not in self._known:
            entries = [
                msgspec.structs.replace(entry, path=layer_path(entry.path, root))
                for one in distributions
                for entry in one.entries
            ]
            tree = FileTree(tuple(sorted(entries, key=lambda entry: entry.path)))
            self._known[key] = Share(tuple(one.name for one in distributions), tree)
        return self._known[key]


class Decision(msgspec.Struct, frozen=True):
    """Which layers there are to be."""

    groups: tuple[Group, ...]
    """In the order in which they are attached."""
    function: tuple[Atom, ...]
    cost: int
    """Bytes uploaded in a year, by the weights."""


def groups_of(question: Question, partition: Partition) -> tuple[Group, ...]:
    """The layers that a partition of what is heavy means, those that were there first."""
    groups = [*question.there, *(Group(()) for _ in partition.layers[len(question.there) :])]
    return tuple(
        Group((*group.atoms, *(question.heavy[index] for index in indices)), group.order)
        for group, indices in zip(groups, partition.layers, strict=True)
    )


def decide(question: Question, heavy: Sequence[Group]) -> Decision:
    """Place what is light beside layers of what is heavy."""
    groups = [*heavy, *question.there_light]
    function = list(question.function)
    beside = next((at for at, one in enumerate(groups) if one in question.there_light), None)
    if beside is None and len(groups) >= question.slots:
        beside = next((at for at, one in enumerate(groups) if not one.is_heavy), None)
    if not question.light:
        pass
    elif beside is not None:
        group = groups[beside]
        groups[beside] = Group((*group.atoms, *question.light), group.order)
    elif question.apart and groups and len(groups) >= question.slots:
        groups[0] = Group((*groups[0].atoms, *question.light), groups[0].order)
    elif not question.apart and (
        len(groups) >= question.slots or question.load(question.light).zipped <= SMALL
    ):
        function += question.light
    else:
        groups.append(Group(question.light, (_LIGHT,)))
    ordered = sorted(
        groups,
        key=lambda one: (one.order, -question.load(one.atoms).weight, one.distributions[0].name),
    )
    inside = question.load(function)
    cost = sum(question.load(group.atoms).cost for group in ordered)
    return Decision(tuple(ordered), tuple(function), cost + CODE_RATE * inside.weight)


def answer(
    tree: FileTree, question: Question, decision: Decision, shares: Shares
) -> Split | Refusal:
    """The split that is decided, held against every limit."""
    layers = tuple(shares.share(group.distributions, question.root) for group in decision.groups)
    inside = [member for atom in decision.function for member in atom.members]
    entries = [*question.own, *(entry for member in inside for entry in member.entries)]
    split = Split(
        FileTree(tuple(sorted(entries, key=lambda entry: entry.path))),
        layers,
        tuple(sorted(member.name for member in inside)),
    )
    outside = sum(share.tree.unzipped_bytes for share in layers)
    broken = [
        limits.check_layer_count(question.attached_count + len(layers)),
        *(limits.check_layer(share.tree.unzipped_bytes) for share in layers),
        limits.check_unzipped(split.function.unzipped_bytes, outside + question.attached_bytes),
    ]
    if any(broken):
        return refusal(tree, *broken)
    if question.capacity is not None:
        for zipped in [split.function.zipped_bytes, *(one.tree.zipped_bytes for one in layers)]:
            if zipped > question.capacity:
                return too_big(tree, zipped, question.capacity)
    return split


def too_big(tree: FileTree, zipped: int, capacity: int) -> Refusal:
    """One of the zips is bigger than it may be."""
    return refusal(
        tree,
        limits.check_direct_zip(zipped),
        reasons=[f"no split was found whose zips are all within {capacity:,} bytes"],
    )
