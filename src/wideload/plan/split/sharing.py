"""Partitions for many functions at once, so chosen that layers are shared.

Each function wants a set of items (heavy distributions, each with its content) in so many
layers at most. A layer that holds the same items counts once, however many functions use it;
functions that want the same are one. Sets of items are bit masks.

Where everything is alone in a layer, everything is shared, and nothing is cheaper: parting two
heavy items always saves more than a layer costs. So it starts there, and merges layers, the
cheapest merger first, until no function has too many; each merger is tried for all functions
that have both layers, and for those alone that have too many. Then each function is looked at
again, given the layers of the others. Last, branch and bound looks for something better in
`STEPS` steps, which small fleets do not exhaust. The result is never worse than `alone`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.plan.split.search import Load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

STEPS = 40_000
"""Layers that are tried by branch and bound: about a tenth of a second."""


_AGAIN = 500


class Want(msgspec.Struct, frozen=True):
    """What functions of one kind need."""

    items: int
    """Mask."""
    most: int
    """Layers that they may have for it."""


Layers = tuple[int, ...]
"""Masks, disjoint, sorted."""


class Shared(msgspec.Struct, frozen=True):
    """The choice for all wants."""

    layers: tuple[Layers, ...]
    """For each want, in order."""
    cost: int
    """Bytes uploaded in a year by all layers, each counted once."""
    is_optimal: bool


def share(
    items: Sequence[Load],
    wants: Sequence[Want],
    alone: Sequence[Layers],
    there: Iterable[int] = (),
) -> Shared:
    """The choice that uploads least, of those that were looked at.

    :param alone: a partition for each want, as good as is known without the others.
    :param there: masks of layers that there are whatever is chosen here: they cost nothing.
    """
    sharing = _Sharing(items, wants, dict.fromkeys(there, 0))
    best = min((sharing.improved(list(start)) for start in (sharing.merged(), alone)),
               key=sharing.total)  # fmt: skip
    hunt = _Hunt(sharing, best, sharing.there)
    hunt.run()
    return Shared(tuple(hunt.best), sharing.total(hunt.best), hunt.finished)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low
        mask ^= low


class _Sharing:
    def __init__(
        self,
        items: Sequence[Load],
        wants: Sequence[Want],
        costs: dict[int, int] | None = None,
    ) -> None:
        self.items = items
        self.wants = wants
        self._costs = {} if costs is None else costs
        self.there = frozenset(mask for mask, cost in self._costs.items() if not cost)

    def cost(self, mask: int) -> int:
        if mask not in self._costs:
            loads = [self.items[bit.bit_length() - 1] for bit in _bits(mask)]
            self._costs[mask] = Load(
                sum(one.rate for one in loads), sum(one.weight for one in loads)
            ).cost
        return self._costs[mask]

    def total(self, choice: Iterable[Layers]) -> int:
        return sum(self.cost(mask) for mask in {mask for layers in choice for mask in layers})

    def merged(self) -> list[Layers]:
        have = [set(_bits(want.items)) for want in self.wants]
        users: dict[int, int] = {}
        for number, layers in enumerate(have):
            for mask in layers:
                users[mask] = users.get(mask, 0) | 1 << number
        while True:
            over = sum(
                1 << number
                for number, layers in enumerate(have)
                if len(layers) > self.wants[number].most
            )
            if not over:
                return [tuple(sorted(layers)) for layers in have]
            one, other, where = self._cheapest_merger(have, users, over)
            for bit in _bits(where):
                layers = have[bit.bit_length() - 1]
                layers -= {one, other}
                layers.add(one | other)
            for mask in (one, other):
                users[mask] &= ~where
            users[one | other] = users.get(one | other, 0) | where

    def _cheapest_merger(
        self, have: Sequence[set[int]], users: dict[int, int], over: int
    ) -> tuple[int, int, int]:
        """Two layers to merge, and the wants for which."""
        pairs: set[tuple[int, int]] = set()
        for bit in _bits(over):
            ordered = sorted(have[bit.bit_length() - 1])
            pairs.update((a, b) for at, a in enumerate(ordered) for b in ordered[at + 1 :])
        best: tuple[float, int, int, int] | None = None
        for one, other in pairs:
            both = users[one] & users[other]
            made = 0 if users.get(one | other) else self.cost(one | other)
            for where in {both, both & over}:
                more = made
                more -= 0 if users[one] & ~where else self.cost(one)
                more -= 0 if users[other] & ~where else self.cost(other)
                way = (more / (where & over).bit_count(), one, other, where)
                best = way if best is None else min(best, way)
        assert best is not None
        return best[1:]

    def improved(self, choice: list[Layers]) -> list[Layers]:
        """The same after each want was looked at again, until none changes."""
        for _ in range(3):
            before = list(choice)
            for number, want in enumerate(self.wants):
                others = {m for at, one in enumerate(choice) if at != number for m in one}
                mine = _Sharing(self.items, [want], self._costs)
                hunt = _Hunt(mine, [choice[number]], others | self.there, _AGAIN)
                hunt.run()
                choice[number] = hunt.best[0]
            if choice == before:
                break
        return choice


class _Hunt:
    """Branch and bound over the wants, one after the other."""

    def __init__(
        self,
        sharing: _Sharing,
        start: Sequence[Layers],
        paid: Iterable[int] = (),
        steps: int = STEPS,
    ) -> None:
        self.sharing = sharing
        self.paid = set(paid)
        self.best = list(start)
        self.best_cost = sum(
            sharing.cost(mask) for mask in {m for one in start for m in one} - self.paid
        )
        self.left = steps
        self.finished = True
        # The least that an item adds to whatever layer it lies in.
        self.least = {
            1 << at: (1 + load.rate) * load.weight for at, load in enumerate(sharing.items)
        }

    def run(self) -> None:
        covered = 0
        for mask in self.paid:
            covered |= mask
        wanted = 0
        for want in self.sharing.wants:
            wanted |= want.items
        rest = sum(self.least[bit] for bit in _bits(wanted & ~covered))
        if self.sharing.wants:
            self._place(0, self.sharing.wants[0].items, [], [], 0, covered, rest)

    def _place(
        self,
        number: int,
        items: int,
        layers: list[int],
        done: list[Layers],
        cost: int,
        covered: int,
        rest: int,
    ) -> None:
        if cost + rest >= self.best_cost:
            return
        wants = self.sharing.wants
        if not items:
            done = [*done, tuple(sorted(layers))]
            if number + 1 == len(wants):
                self.best, self.best_cost = done, cost
                return
            self._place(number + 1, wants[number + 1].items, [], done, cost, covered, rest)
            return
        for more, mask in self._ways(items, wants[number].most - len(layers)):
            self.left -= 1
            if self.left < 0:
                self.finished = False
                return
            fresh = mask & ~covered
            less = sum(self.least[bit] for bit in _bits(fresh)) if fresh else 0
            self.paid.add(mask)
            self._place(
                number,
                items & ~mask,
                [*layers, mask],
                done,
                cost + more,
                covered | mask,
                rest - less,
            )
            if more:
                self.paid.discard(mask)

    def _ways(self, items: int, slots: int) -> list[tuple[int, int]]:
        """Layers that hold the first of these items: what each one costs more, and its mask."""
        if slots == 0:
            return []
        low = items & -items
        others = items ^ low
        if slots == 1:
            masks = [items]
        elif others.bit_count() > 9:
            # Not all of the subsets then; only single items, all, and what there is already.
            self.finished = False
            masks = [items, low, *(low | bit for bit in _bits(others))]
            masks += [one for one in self.paid if one & low and not one & ~items]
        else:
            masks, subset = [], others
            while True:
                masks.append(low | subset)
                if not subset:
                    break
                subset = (subset - 1) & others
        return sorted(
            (0 if mask in self.paid else self.sharing.cost(mask), mask) for mask in set(masks)
        )
