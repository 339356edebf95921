"""The partition of distributions into layers that uploads the least in a year.

Branch and bound. It starts from the best of first-fit, of taking each the cheapest way, and of
moving them one by one as long as that helps, so it is never worse than these; and it ends
after `STEPS` steps, with the best that was found and the bound below which nothing can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LAYER = 4 * 1024**2
"""What one more layer may cost, in bytes a year. Parting two heavy distributions saves twice
as much at least, so a layer is left out only where it would hold nothing that is heavy."""
STEPS = 200_000
"""Ways to place one distribution that are looked at: some tenths of a second. Enough for
twelve heavy distributions, mostly for more."""


class Load(msgspec.Struct, frozen=True):
    """What is to be placed, or what a layer holds already."""

    rate: int
    """Versions a year."""
    weight: int
    """Bytes that a new version uploads."""
    zipped: int = 0
    """Bytes that it takes of a layer's capacity."""

    def with_(self, other: Load) -> Load:
        """Both in one layer."""
        return Load(self.rate + other.rate, self.weight + other.weight, self.zipped + other.zipped)

    @property
    def cost(self) -> int:
        """Bytes uploaded in a year by a layer that holds this."""
        return LAYER + (1 + self.rate) * self.weight


class Partition(msgspec.Struct, frozen=True):
    """Which load lies in which layer."""

    layers: tuple[tuple[int, ...], ...]
    """Indices of the loads, sorted; the layers that were there come first."""
    cost: int
    """Bytes a year."""
    bound: int
    """No partition costs less than this."""

    @property
    def is_optimal(self) -> bool:
        """Whether it is known that none is better."""
        return self.cost == self.bound


def partition(
    loads: Sequence[Load], there: Sequence[Load], most: int, capacity: int | None = None
) -> Partition | None:
    """The best partition that was found; nothing where none was found that fits.

    :param there: layers that hold something already; more may be put there.
    :param most: how many layers there may be, with those.
    :param capacity: bytes zipped of one layer.
    """
    search = _Search(loads, there, most, capacity)
    search.offer(search.first_fit())
    search.offer(search.cheapest())
    search.run()
    if search.best is None:
        return None
    layers: list[list[int]] = [[] for _ in range(max([len(there), *(b + 1 for b in search.best)]))]
    for index, layer in enumerate(search.best):
        layers[layer].append(index)
    cost = search.best_cost
    bound = cost if search.finished else min(cost, search.lowest)
    return Partition(tuple(tuple(one) for one in layers), cost, bound)


def joining(load: Load, layer: Load) -> int:
    """What a layer costs more with one more load, in bytes a year."""
    return (1 + layer.rate + load.rate) * load.weight + load.rate * layer.weight


class _Search:
    def __init__(
        self, loads: Sequence[Load], there: Sequence[Load], most: int, capacity: int | None
    ) -> None:
        self.loads = loads
        self.there = tuple(there)
        self.most = most
        self.capacity = capacity
        # The heaviest first: what comes late is then cheap wherever it goes.
        self.order = sorted(range(len(loads)), key=lambda i: (-loads[i].weight, i))
        # The least that sharing a layer with any load placed before can cost.
        self.pairs = [
            min((joining(loads[i], loads[j]) for j in self.order[:at]), default=None)
            for at, i in enumerate(self.order)
        ]
        self.best: list[int] | None = None
        self.best_cost = 0
        self.steps = 0
        self.finished = True
        self.lowest = 0

    def fits(self, load: Load, layer: Load | None = None) -> bool:
        if self.capacity is None:
            return True
        return load.zipped + (layer.zipped if layer else 0) <= self.capacity

    def offer(self, placed: list[int] | None) -> None:
        """Take a whole placement for the best if it is, with what moving single loads saves."""
        if placed is None:
            return
        cost = self.cost(placed)
        while True:
            moves = (
                [*placed[:index], layer, *placed[index + 1 :]]
                for index in range(len(placed))
                for layer in range(self.most)
                if layer != placed[index]
            )
            better = next((m for m in moves if self.cost(m) < cost and self.holds(m)), None)
            if better is None:
                break
            placed, cost = better, self.cost(better)
        if self.best is None or cost < self.best_cost:
            self.best, self.best_cost = _renumbered(placed, len(self.there)), cost

    def filled(self, placed: Iterable[int]) -> dict[int, Load]:
        layers = dict(enumerate(self.there))
        for index, layer in enumerate(placed):
            load = self.loads[index]
            layers[layer] = layers[layer].with_(load) if layer in layers else load
        return layers

    def cost(self, placed: Iterable[int]) -> int:
        return sum(layer.cost for layer in self.filled(placed).values())

    def holds(self, placed: Iterable[int]) -> bool:
        return all(self.fits(layer) for layer in self.filled(placed).values())

    def first_fit(self) -> list[int] | None:
        return self._one_by_one(cheapest=False)

    def cheapest(self) -> list[int] | None:
        return self._one_by_one(cheapest=True)

    def _one_by_one(self, *, cheapest: bool) -> list[int] | None:
        layers = list(self.there)
        placed = [0] * len(self.loads)
        for index in self.order:
            load = self.loads[index]
            ways = [
                (joining(load, layer), at)
                for at, layer in enumerate(layers)
                if self.fits(load, layer)
            ]
            if len(layers) < self.most and self.fits(load) and (cheapest or not ways):
                ways.append((load.cost, len(layers)))
            if not ways:
                return None
            at = min(ways)[1] if cheapest else ways[0][1]
            if at == len(layers):
                layers.append(load)
            else:
                layers[at] = layers[at].with_(load)
            placed[index] = at
        return placed

    def run(self) -> None:
        layers = list(self.there)
        start = sum(layer.cost for layer in layers)
        bound = self.bound(0, layers)
        self.lowest = start + bound if bound is not None else 0
        self.descend(0, layers, start, [])

    def bound(self, at: int, layers: list[Load]) -> int | None:
        """The least that placing the rest can cost; nothing where it cannot be placed."""
        total = 0
        savings = []
        slots = self.most - len(layers)
        for position in range(at, len(self.order)):
            load = self.loads[self.order[position]]
            ways = [joining(load, layer) for layer in layers if self.fits(load, layer)]
            pair = self.pairs[position]
            if slots and pair is not None:
                ways.append(pair)
            self.steps += len(layers) + 1
            join = min(ways, default=None)
            if slots and self.fits(load):
                if join is None:
                    total += load.cost
                elif join > load.cost:
                    total += join
                    savings.append(join - load.cost)
                else:
                    total += join
            elif join is None:
                return None
            else:
                total += join
        if slots:
            total -= sum(sorted(savings, reverse=True)[:slots])
        return total

    def descend(self, at: int, layers: list[Load], cost: int, placed: list[int]) -> None:
        if at == len(self.order):
            if self.best is None or cost < self.best_cost:
                self.best_cost = cost
                self.best = [0] * len(placed)
                for index, layer in zip(self.order, placed, strict=True):
                    self.best[index] = layer
            return
        if self.steps > STEPS:
            self.finished = False
            return
        rest = self.bound(at, layers)
        if rest is None or (self.best is not None and cost + rest >= self.best_cost):
            return
        load = self.loads[self.order[at]]
        ways = [
            (joining(load, layer), number)
            for number, layer in enumerate(layers)
            if self.fits(load, layer)
        ]
        if len(layers) < self.most and self.fits(load):
            ways.append((load.cost, len(layers)))
        for more, number in sorted(ways):
            if number == len(layers):
                after = [*layers, load]
            else:
                after = [*layers]
                after[number] = layers[number].with_(load)
            self.descend(at + 1, after, cost + more, [*placed, number])


def _renumbered(placed: list[int], fixed: int) -> list[int]:
    """The same with new layers numbered as they come, none of them empty."""
    numbers = {layer: layer for layer in range(fixed)}
    return [numbers.setdefault(layer, len(numbers)) for layer in placed]
