"""Laws of splitting: nothing lost, nothing twice, every limit, imports as they were, the optimum
on small instances, never worse than first-fit on large ones, the same for the same input."""

from __future__ import annotations

import itertools
import random
import tempfile
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from split_made import MB, TARGET, dist, own, packages, tree_of, united
from wideload.plan.fleet import plan_fleet
from wideload.plan.split.search import Load, partition
from wideload.plan.split.sharing import Layers, Want, share
from wideload.plan.split.splitting import split
from wideload.values.attached import AttachedLayer
from wideload.values.fleet import FleetMember
from wideload.values.proposal import Refusal
from wideload.values.split import Split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wideload.values.resolution import Wheel
    from wideload.values.split import Place
    from wideload.values.tree import FileTree

QUOTA = 262_144_000
LAW = settings(max_examples=150, derandomize=True)

SIZES = st.one_of(
    st.integers(100, 900_000), st.integers(1_000_000, 40_000_000), st.just(1024 * 1024)
)
PATHS = st.lists(
    st.sampled_from(
        [
            "ns/__init__.py", "ns/a.py", "ns/b.py", "ns/sub/__init__.py", "ns/sub/c.py",
            "ns/sub/deep/d.py", "ns/data.txt", "mod.py", "mod/__init__.py", "mod/e.py",
            "x.libs/libx.so", "lib/liby.so", "bin/tool", "other/f.py", "other/__init__.py",
        ]
    ),
    max_size=4,
    unique=True,
)  # fmt: skip
OWN = st.lists(
    st.sampled_from(["app.py", "ns/own.py", "mod.py", "ns/__init__.py", "other/own.txt"]),
    max_size=3,
    unique=True,
)


@st.composite
def projects(draw: st.DrawFn) -> tuple[list[Wheel], FileTree]:
    """Distributions that meet here and there, with files of the user's."""
    wheels = []
    for index in range(draw(st.integers(0, 9))):
        size = draw(SIZES)
        name = f"d{index}"
        extra = draw(PATHS)
        unzipped = draw(st.sampled_from([size, size, 2 * size]))
        wheels.append(dist(name, size, f"{name}/__init__.py", *extra, unzipped=unzipped))
    return wheels, _tree(wheels, draw(OWN))


def _tree(wheels: Sequence[Wheel], files: Sequence[str]) -> FileTree:
    return tree_of(wheels, [own(path) for path in files])


def _attached(count: int, unzipped: int) -> list[AttachedLayer]:
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:theirs-{}:1"
    return [
        AttachedLayer(
            arn=arn.format(number),
            sha256="0" * 64,
            zipped_bytes=1,
            unzipped_bytes=unzipped,
            runtimes=(),
            architectures=(),
            distributions=(),
        )
        for number in range(count)
    ]


PLACES: st.SearchStrategy[dict[str, Place]] = st.dictionaries(
    st.sampled_from([f"d{index}" for index in range(9)]),
    st.one_of(st.just("function"), st.integers(1, 6)),
    max_size=3,
)


@LAW
@given(projects(), st.integers(0, 5), st.sampled_from([1000, 30 * MB]), PLACES)
def test_disjoint_whole_and_within_every_limit(
    project: tuple[list[Wheel], FileTree], count: int, theirs: int, places: dict[str, Place]
) -> None:
    wheels, tree = project
    pins = {name: place for name, place in places.items() if name in {w.name for w in wheels}}
    attached = _attached(count, theirs)
    found = split(tree, wheels, TARGET, attached=attached, pins=pins)
    if isinstance(found, Refusal):
        assert found.limits or found.reasons
        assert all(limit.actual > limit.allowed for limit in found.limits)
        if not pins and count < 5:
            assert tree.unzipped_bytes + count * theirs > QUOTA
        return
    # Each file once, and none but these.
    assert united(found) == list(tree)
    assert tree.unzipped_bytes == found.unzipped_bytes <= QUOTA - count * theirs
    assert len(found.layers) + count <= 5
    assert all(share.tree.entries for share in found.layers)
    # Each distribution in one place, the one that is told.
    origins = {wheel.sha256: wheel.name for wheel in wheels}
    parts = [found.function, *(share.tree for share in found.layers)]
    held = [
        {origins[entry.origin.wheel] for entry in part if hasattr(entry.origin, "wheel")}
        for part in parts
    ]
    assert sum(len(names) for names in held) == len(set().union(*held))
    assert held == [set(found.packages), *(set(one) for one in packages(found))]
    for name, place in pins.items():
        assert (found.places.get(name, place) == "function") is (place == "function")
    layers = [name for name in pins if pins[name] != "function" and name in found.places]
    for one, other in itertools.combinations(layers, 2):
        numbers = [(pins[name], found.places[name]) for name in (one, other)]
        assert sorted(numbers) == sorted(numbers, key=lambda pair: (pair[1], pair[0]))
        assert (pins[one] == pins[other]) is (found.places[one] == found.places[other])


@LAW
@given(projects(), st.randoms(use_true_random=False))
def test_the_same_input_is_split_the_same(
    project: tuple[list[Wheel], FileTree], random: random.Random
) -> None:
    wheels, tree = project
    found = split(tree, wheels, TARGET)
    random.shuffle(wheels)
    assert split(tree, wheels, TARGET) == found
    if isinstance(found, Split):
        # And once split it stays so.
        assert split(tree, wheels, TARGET, before=found.places) == found


@LAW
@given(projects(), st.integers(100, 900_000))
def test_what_is_light_never_moves_what_is_heavy(
    project: tuple[list[Wheel], FileTree], size: int
) -> None:
    wheels, tree = project
    more = [*wheels, dist("light", size)]
    one = split(tree, wheels, TARGET)
    other = split(tree.beside(tree_of([more[-1]])), more, TARGET)
    if isinstance(one, Split) and isinstance(other, Split):
        assert _heavy(one, wheels) == _heavy(other, wheels)


def _heavy(found: Split, wheels: Sequence[Wheel]) -> list[tuple[str, ...]]:
    heavy = {wheel.name for wheel in wheels if wheel.size > 1_200_000}
    return sorted(one for one in packages(found) if heavy & set(one))


@LAW
@given(projects(), st.integers(0, 8), st.floats(0.8, 1.25))
def test_a_new_version_changes_the_layer_that_holds_it_and_no_other(
    project: tuple[list[Wheel], FileTree], index: int, factor: float
) -> None:
    wheels, tree = project
    first = split(tree, wheels, TARGET)
    if not wheels or isinstance(first, Refusal):
        return
    old = wheels[index % len(wheels)]
    paths = [member.path for member in old.members[:-1]]
    bumped = dist(old.name, int(old.size * factor), *paths, version="2")
    after = [bumped if wheel is old else wheel for wheel in wheels]
    mine = [entry for entry in tree if not hasattr(entry.origin, "wheel")]
    second = split(tree_of(after, mine), after, TARGET, before=first.places)
    if isinstance(second, Refusal):
        return
    before = {share.digest for share in first.layers}
    changed = [share for share in second.layers if share.digest not in before]
    assert all(old.name in share.packages for share in changed)


def _found(folders: Sequence[Path], dotted: str) -> str | None:
    """The file that importing a module would run, below whichever folder; as PathFinder does."""
    path = [str(folder) for folder in folders]
    roots = tuple(path)
    where = None
    parts = dotted.split(".")
    for at in range(len(parts)):
        name = ".".join(parts[: at + 1])
        portions: list[str] = []
        where = None
        for folder in path:
            finder = FileFinder(
                folder, (ExtensionFileLoader, EXTENSION_SUFFIXES), (SourceFileLoader, [".py"])
            )
            spec = finder.find_spec(name)
            if spec is None:
                continue
            portions.extend(spec.submodule_search_locations or [])
            if spec.loader is not None:
                where, portions = spec.origin, list(spec.submodule_search_locations or [])
                break
        if where is None and not portions:
            return None
        path = portions
    if where is None:
        return "namespace"
    return next(where[len(root) :] for root in roots if where.startswith(root + "/"))


def _written(entries: Iterator[str], folder: Path) -> Path:
    for path in entries:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    folder.mkdir(exist_ok=True)
    return folder


@settings(LAW, max_examples=40)
@given(projects(), PLACES)
def test_every_module_is_found_where_it_was(
    project: tuple[list[Wheel], FileTree], places: dict[str, Place]
) -> None:
    wheels, tree = project
    pins = {name: place for name, place in places.items() if name in {w.name for w in wheels}}
    found = split(tree, wheels, TARGET, pins=pins)
    if isinstance(found, Refusal):
        return
    modules = {
        ".".join(path.removesuffix(".py").removesuffix("/__init__").split("/")[:depth])
        for path in (entry.path for entry in tree)
        if path.endswith(".py")
        for depth in range(1, 5)
    }
    with tempfile.TemporaryDirectory() as name:
        flat = _written((entry.path for entry in tree), Path(name) / "flat")
        task = _written((entry.path for entry in found.function), Path(name) / "task")
        layers = (entry.path for share in found.layers for entry in share.tree)
        opt = _written(layers, Path(name) / "opt")
        for module in modules:
            assert _found([task, opt / "python"], module) == _found([flat], module), module


LOADS = st.builds(
    lambda rate, power, zipped: Load(rate, 1 << power, zipped),
    st.sampled_from([4, 4, 8, 50]),
    st.integers(20, 26),
    st.integers(1, 60),
)


def _partitions(count: int, most: int, there: int) -> Iterator[list[int]]:
    """Every way to put so many things into layers, those that are new in order of coming."""

    def place(placed: list[int], used: int) -> Iterator[list[int]]:
        if len(placed) == count:
            yield placed
            return
        for layer in range(min(used + 1, most)):
            yield from place([*placed, layer], max(used, layer + 1))

    yield from place([], there)


def _cost(loads: Sequence[Load], there: Sequence[Load], placed: Sequence[int]) -> list[Load]:
    layers = dict(enumerate(there))
    for load, layer in zip(loads, placed, strict=True):
        layers[layer] = layers[layer].with_(load) if layer in layers else load
    return list(layers.values())


@LAW
@given(
    st.lists(LOADS, max_size=7),
    st.lists(LOADS, max_size=2),
    st.integers(1, 5),
    st.sampled_from([None, 40, 80, 150]),
)
def test_small_partitions_are_the_best_there_is(
    loads: list[Load], there: list[Load], most: int, capacity: int | None
) -> None:
    most = max(most, len(there))
    found = partition(loads, there, most, capacity)
    costs = [
        sum(4 * 1024**2 + (1 + layer.rate) * layer.weight for layer in layers)
        for layers in (_cost(loads, there, p) for p in _partitions(len(loads), most, len(there)))
        if capacity is None
        or all(layer.zipped <= capacity for layer in layers if layer not in there)
    ]
    if not costs:
        assert found is None
        return
    assert found is not None
    assert (found.cost, found.bound, found.is_optimal) == (min(costs), min(costs), True)
    assert sorted(itertools.chain(*found.layers)) == list(range(len(loads)))


def _first_fit(loads: Sequence[Load], most: int, capacity: int) -> list[Load] | None:
    layers: list[Load] = []
    for load in loads:
        for at, layer in enumerate(layers):
            if layer.zipped + load.zipped <= capacity:
                layers[at] = layer.with_(load)
                break
        else:
            if len(layers) == most or load.zipped > capacity:
                return None
            layers.append(load)
    return layers


@pytest.mark.parametrize("seed", range(12))
def test_large_partitions_are_never_worse_than_first_fit(seed: int) -> None:
    rng = random.Random(seed)
    loads = [
        Load(rng.choice([4, 4, 4, 50]), 1 << rng.randint(20, 25), rng.randint(1, 30))
        for _ in range(rng.randint(15, 40))
    ]
    total = sum(load.zipped for load in loads)
    for capacity in (total, total // 3, total // 5 + 25):
        found = partition(loads, [], 5, capacity)
        for ordered in (loads, sorted(loads, key=lambda load: -load.zipped)):
            fitted = _first_fit(ordered, 5, capacity)
            if fitted is not None:
                assert found is not None
                assert found.bound <= found.cost <= sum(layer.cost for layer in fitted)
        if found is not None:
            sizes = [sum(loads[index].zipped for index in layer) for layer in found.layers]
            assert max(sizes) <= capacity
            assert len(sizes) <= 5


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[Load], list[Want]]:
    items = draw(st.lists(LOADS, min_size=1, max_size=5))
    every = (1 << len(items)) - 1
    wants = st.builds(Want, st.integers(0, every), st.integers(1, 3))
    return items, draw(st.lists(wants, min_size=1, max_size=3, unique=True))


def _choices(want: Want) -> list[Layers]:
    bits = [1 << at for at in range(want.items.bit_length()) if want.items >> at & 1]
    return [
        tuple(
            sorted(
                sum(bit for bit, layer in zip(bits, placed, strict=True) if layer == number)
                for number in set(placed)
            )
        )
        for placed in _partitions(len(bits), want.most, 0)
    ]


def _shared_cost(items: Sequence[Load], choice: Sequence[Layers]) -> int:
    total = 0
    for mask in {mask for layers in choice for mask in layers}:
        loads = [load for at, load in enumerate(items) if mask >> at & 1]
        rate, weight = sum(load.rate for load in loads), sum(load.weight for load in loads)
        total += 4 * 1024**2 + (1 + rate) * weight
    return total


@settings(LAW, max_examples=60)
@given(fleets())
def test_small_fleets_share_the_best_there_is(fleet: tuple[list[Load], list[Want]]) -> None:
    items, wants = fleet
    alone = [min(_choices(want), key=lambda one: _shared_cost(items, [one])) for want in wants]
    found = share(items, wants, alone)
    for want, layers in zip(wants, found.layers, strict=True):
        assert sum(layers) == want.items
        assert len(layers) <= want.most
    assert found.cost == _shared_cost(items, found.layers)
    best = min(_shared_cost(items, choice) for choice in itertools.product(*map(_choices, wants)))
    assert found.is_optimal
    assert found.cost == best


@pytest.mark.parametrize("seed", range(6))
def test_large_fleets_are_never_worse_than_each_alone(seed: int) -> None:
    rng = random.Random(seed)
    pool = [dist(f"h{number}", rng.randint(1, 30) * MB) for number in range(20)]
    pool += [dist(f"l{number}", rng.randint(1, 500) * 1000) for number in range(20)]
    members = []
    for number in range(25):
        wheels = tuple(rng.sample(pool, rng.randint(1, 12)))
        tree = tree_of(wheels, [own(size=number + 1)])
        members.append(FleetMember(f"f{number}", tree, wheels, TARGET))
    plan = plan_fleet(members)
    assert plan == plan_fleet(members)
    alone: dict[str, int] = {}
    layers: dict[str, int] = {}
    for member in members:
        one, found = split(member.tree, member.wheels, TARGET), plan.splits[member.name]
        assert isinstance(one, Split) is isinstance(found, Split)
        if isinstance(one, Split) and isinstance(found, Split):
            assert united(found) == list(member.tree)
            assert len(found.layers) <= 5
            assert found.function == one.function
            alone |= _costs(one)
            layers |= _costs(found)
    assert sum(layers.values()) <= sum(alone.values())
    assert {layer.digest for layer in plan.layers} == set(layers)
    for layer in plan.layers:
        for name in layer.functions:
            found = plan.splits[name]
            assert isinstance(found, Split)
            assert layer.share in found.layers


def _costs(found: Split) -> dict[str, int]:
    costs = {}
    for one in found.layers:
        sizes: dict[str, int] = {}
        for entry in one.tree:
            assert not isinstance(entry.origin, str)
            wheel = msgspec.to_builtins(entry.origin)["wheel"]
            overhead = 76 + 2 * len(entry.path.removeprefix("python/"))
            sizes[wheel] = sizes.get(wheel, 0) + entry.compressed_size + overhead
        weight = sum(1 << (size.bit_length() - 1) for size in sizes.values())
        costs[one.digest] = 4 * 1024**2 + (1 + 4 * len(sizes)) * weight
    return costs
