"""From a lock to the exact wheels of the target, each with its table of contents."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from wideload.errors import WideloadError
from wideload.resolve import uv
from wideload.resolve.choose import best_wheel, no_wheel, ranking
from wideload.resolve.credentials import without_credentials
from wideload.resolve.graph import edges, parse_wishes
from wideload.resolve.requirements import not_admitted
from wideload.resolve.sdist import wheel_of_folder, wheel_of_sdist
from wideload.resolve.wheels import WHEELS, facts, fetch, local_path
from wideload.values.function import LockedFile, LockedPackage, LockedRequirements
from wideload.values.resolution import Resolution, Wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from packaging.tags import Tag

    from wideload.cache import Cache
    from wideload.resolve.http import Http
    from wideload.values.attached import Held
    from wideload.values.target import Target

_PARALLEL = 24
"""Requests under way at once: a plan waits for round trips, not for bytes."""


class _Stopped(Exception):
    """Nobody waits for this download any more."""


class _Chosen(msgspec.Struct, frozen=True):
    name: str
    version: str
    filename: str
    url: str
    sha256: str


def resolve(
    locked: LockedRequirements,
    target: Target,
    http: Http,
    cache: Cache,
    *,
    wishes: Sequence[str] = (),
    constraints: Sequence[str] = (),
    hashes: Mapping[str, Collection[str]] | None = None,
    held: Sequence[Held] = (),
    needed: Collection[str] = (),
) -> Resolution:
    """The wheels that a lock means for a target, with their members.

    :param wishes: PEP 508 lines that the user asked for, where the lock was made from them.
    :param constraints: PEP 508 lines that only limit versions.
    :param hashes: by name, the only sha256 that the user admits of a package.
    :param held: what is there without a wheel, since attached layers carry it: of these what
        something asks for stands in the resolution as a wheel without files.
    :param needed: names of `held` that stand there in any case.
    :raises WideloadError: a package has no file that loads on the target, a hash is wrong,
        or the index cannot be reached.
    """
    before = http.received
    packages = _admitted(_with_urls(locked, target), hashes or {})
    ranks = ranking(target)
    base = Path(locked.path).parent
    with ThreadPoolExecutor(_PARALLEL) as pool:
        chosen = list(
            pool.map(lambda one: _choose(one, base, target, ranks, http, cache), packages)
        )
        known = list(
            pool.map(lambda one: facts(one.url, one.sha256, one.filename, http, cache), chosen)
        )
    requires = {one.name: fact.requires_dist for one, fact in zip(chosen, known, strict=True)}
    wheels_of_lock = set(requires)
    requires = {one.name: one.requires for one in held} | requires
    asked = parse_wishes(wishes, target)
    graph = edges(asked, requires, target)
    # Where the lock does not say, the user also asked for whatever nothing else in it asks for:
    # a path among the requirements has no name.
    names = {str(canonicalize_name(one.name)) for one in asked}
    roots = set(locked.roots) or names | (_unwanted(requires, graph) & wheels_of_lock)
    reached = _reached({*roots, *wheels_of_lock, *needed}, graph)
    wheels = [
        Wheel(
            name=one.name,
            version=one.version,
            filename=one.filename,
            url=one.url,
            sha256=one.sha256,
            size=fact.size,
            members=fact.members,
            requires=graph[one.name],
        )
        for one, fact in zip(chosen, known, strict=True)
    ]
    wheels += [
        Wheel(one.name, one.version, "", "", "", 0, (), graph[one.name])
        for one in held
        if one.name in reached and one.name not in wheels_of_lock
    ]
    return Resolution(
        target=target,
        wheels=tuple(sorted(wheels, key=lambda wheel: wheel.name)),
        roots=tuple(sorted(roots & reached)),
        wishes=tuple(str(one) for one in (*asked, *parse_wishes(constraints, target))),
        downloaded_bytes=http.received - before,
    )


def _reached(roots: Iterable[str], graph: Mapping[str, Iterable[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [name for name in roots if name in graph]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [str(canonicalize_name(one.name)) for one in _requirements(graph[name])]
    return reached


def _unwanted(names: Iterable[str], graph: Mapping[str, Iterable[str]]) -> set[str]:
    wanted = {
        canonicalize_name(line.name)
        for owner, lines in graph.items()
        for line in _requirements(lines)
        if canonicalize_name(line.name) != owner
    }
    return set(names) - wanted


def _requirements(lines: Iterable[str]) -> list[Requirement]:
    return [Requirement(line) for line in lines]


def _choose(
    package: LockedPackage,
    base: Path,
    target: Target,
    ranks: Mapping[Tag, int],
    http: Http,
    cache: Cache,
) -> _Chosen:
    what = f"{package.name} {package.version}".strip()
    if package.directory:
        return _built(
            package, *wheel_of_folder(Path(package.directory), what, target, cache), cache
        )
    by_name = {_filename(file): file for file in package.files}
    filename = best_wheel((name for name in by_name if name.endswith(".whl")), ranks)
    if filename:
        file = _located(by_name[filename], base)
        return _Chosen(
            package.name, package.version or _version(filename), filename, file.url, file.sha256
        )
    sdists = [file for name, file in by_name.items() if name.endswith((".tar.gz", ".zip"))]
    wheels = [name for name in by_name if name.endswith(".whl")]
    if wheels or not sdists:
        raise no_wheel(package.name, package.version, wheels, target)
    sdist = _located(sdists[0], base)
    name = _filename(sdist)
    path = fetch(sdist.url, sdist.sha256, name, http, cache)
    return _built(package, *wheel_of_sdist(path, name, sdist.sha256, what, target, cache), cache)


def _built(package: LockedPackage, filename: str, sha256: str, cache: Cache) -> _Chosen:
    url = cache.path(WHEELS, sha256, ".whl").resolve().as_uri()
    return _Chosen(package.name, package.version or _version(filename), filename, url, sha256)


def _version(filename: str) -> str:
    return str(parse_wheel_filename(filename)[1])


def _filename(file: LockedFile) -> str:
    return file.filename or unquote(urlsplit(file.url).path.rpartition("/")[2])


def _located(file: LockedFile, base: Path) -> LockedFile:
    """The file with an absolute URL and a digest."""
    url = without_credentials(file.url)
    if "://" not in url:
        url = (base / url).resolve().as_uri()
    path = local_path(url)
    sha256 = file.sha256
    if not sha256:
        if path is None:
            raise WideloadError(
                f"the lock gives no hash for {_filename(file)}",
                why="a file from the network without a hash may be another one tomorrow",
                hint="lock again with hashes",
            )
        try:
            with path.open("rb") as content:
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise WideloadError(f"{path.name} cannot be read", why=str(error)) from error
    return LockedFile(sha256, _filename(file), url, file.size)


def _with_urls(locked: LockedRequirements, target: Target) -> tuple[LockedPackage, ...]:
    """The packages, with the URLs that poetry.lock and Pipfile.lock leave out.

    uv is asked for exactly these versions; only files whose hash the lock names are taken.
    """
    lacking = [
        package
        for package in locked.packages
        if package.files and not all(file.url for file in package.files)
    ]
    if not lacking:
        return locked.packages
    found = _ask_index(lacking, locked, target)
    completed = []
    for package in locked.packages:
        if package not in lacking:
            completed.append(package)
            continue
        admitted = {file.sha256 for file in package.files}
        files = tuple(file for file in found.get(package.name, ()) if file.sha256 in admitted)
        if not files:
            raise WideloadError(
                f"the hash of {package.name} {package.version} does not match",
                why=f"none of the files on the index has a hash that {Path(locked.path).name} "
                "admits",
                hint="lock again if the release was replaced on purpose",
            )
        completed.append(msgspec.structs.replace(package, files=files))
    return tuple(completed)


def _admitted(
    packages: Iterable[LockedPackage], hashes: Mapping[str, Collection[str]]
) -> tuple[LockedPackage, ...]:
    """The packages with none but the files that the user's hashes admit."""
    admitted = []
    for package in packages:
        files = package.files
        if package.name in hashes:
            files = tuple(file for file in files if file.sha256 in hashes[package.name])
            if not files:
                raise not_admitted(package.name, package.version)
        admitted.append(msgspec.structs.replace(package, files=files))
    return tuple(admitted)


def _ask_index(
    packages: Iterable[LockedPackage], locked: LockedRequirements, target: Target
) -> dict[str, tuple[LockedFile, ...]]:
    chosen = list(packages)
    with tempfile.TemporaryDirectory(prefix="wideload-") as folder:
        asked = Path(folder) / "requirements.txt"
        indexes = sorted({package.index for package in chosen if package.index})
        lines = [f"--extra-index-url {index}" for index in indexes]
        lines += [f"{package.name}=={package.version}" for package in chosen]
        asked.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = uv.compile_lock(
            ["--no-deps", str(asked), "--quiet"],
            Path(locked.path).parent,
            target,
            what=Path(locked.path).name,
        )
    found: dict[str, tuple[LockedFile, ...]] = {}
    for entry in tomllib.loads(done.stdout).get("packages", []):
        files = [*entry.get("wheels", []), *([entry["sdist"]] if "sdist" in entry else [])]
        found[str(canonicalize_name(entry["name"]))] = tuple(
            LockedFile(str(file.get("hashes", {}).get("sha256", "")), url=str(file["url"]))
            for file in files
        )
    return found


def fetch_all(
    wheels: Iterable[Wheel],
    http: Http,
    cache: Cache,
    advance: Callable[[int], object] = lambda _: None,
    arrived: Callable[[Wheel, Path], object] = lambda _wheel, _path: None,
) -> dict[str, Path]:
    """All these wheels in the cache, by sha256, fetched side by side, the biggest first.

    :param arrived: told of each wheel that is there, from any thread.

    :raises WideloadError: one of them cannot be had; the others are not waited for.
    """
    ordered = sorted(wheels, key=lambda wheel: -wheel.size)
    stopped = threading.Event()

    def advance_unless_stopped(more: int) -> None:
        if stopped.is_set():
            raise _Stopped
        advance(more)

    def one(wheel: Wheel) -> Path:
        path = fetch(wheel.url, wheel.sha256, wheel.filename, http, cache, advance_unless_stopped)
        arrived(wheel, path)
        return path

    with ThreadPoolExecutor(8) as pool:
        fetched = {pool.submit(one, wheel): wheel.sha256 for wheel in ordered}
        try:
            return {fetched[each]: each.result() for each in as_completed(fetched)}
        except BaseException:
            # An interrupt too: the pool is left only when its threads have ended.
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
