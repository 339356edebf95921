"""Holds each package, slimmed, to what it does as it comes."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from corpus_results import Checked, Ran, Results, key_of
from corpus_running import Runner, differing_imports, words
from corpus_shipping import Shipping, size_of
from corpus_static import differences, libraries, pairs

from wideload.cache import default_root
from wideload.errors import WideloadError
from wideload.sandbox.linux import LinuxSandbox
from wideload.values import invocation
from wideload.values.target import Architecture
from wideload.values.tree import WheelMember
from wideload.verify.modules import all_modules

if TYPE_CHECKING:
    from corpus_entries import Entry
    from corpus_shipping import Package

    from wideload.values.invocation import Invocation
    from wideload.values.tree import FileTree

_ENOUGH_DISK = 25_000_000_000
"""Bytes that stay free; below, wheels are fetched again rather than kept."""


class Corpus:
    """All that a run needs."""

    def __init__(self, root: Path, entries: tuple[Entry, ...]) -> None:
        self.shipping = Shipping(root)
        self.results = Results(root / "results")
        self.sandbox = LinuxSandbox(default_root(), init_timeout=60)
        self.entries = entries
        self._root = root

    def run(self, entry: Entry, *, again: bool) -> Ran:
        """The package on this machine's architecture."""
        before = self.results.read(entry.name)
        package = self.shipping.resolve(entry, Architecture.X86_64)
        started = time.perf_counter()
        sourceless = self.shipping.slim(package, "sourceless").tree
        beside = self.shipping.slim(package, "beside").tree
        ran = Ran(
            key_of(entry, package.raw, sourceless, beside),
            "same",
            _version(entry, package),
            len(package.resolution.wheels),
            size_of(package, package.raw),
            size_of(package, sourceless),
            size_of(package, beside),
            0,
        )
        known = before.ran
        if known and (known.key, known.outcome) == (ran.key, "same") and not again:
            ran = msgspec.structs.replace(
                ran, modules=known.modules, skipped=known.skipped, seconds=known.seconds
            )
        else:
            with tempfile.TemporaryDirectory(prefix="corpus-", dir=self._root) as name:
                folder = Path(name)
                folder.chmod(0o755)
                ran = self._held(entry, package, sourceless, beside, folder, ran)
            ran = msgspec.structs.replace(ran, seconds=round(time.perf_counter() - started, 1))
        self.results.write(entry.name, msgspec.structs.replace(before, ran=ran))
        self._tidy(package)
        return ran

    def _held(
        self,
        entry: Entry,
        package: Package,
        sourceless: FileTree,
        beside: FileTree,
        folder: Path,
        ran: Ran,
    ) -> Ran:
        """Run it as it comes and slimmed, below a folder of its own."""
        target = package.resolution.target
        modules = self._modules(entry, package, sourceless)
        self.shipping.lay_out(package, package.raw, folder / "raw")
        with Runner(self.sandbox, target, entry, folder / "raw") as raw:
            wanted = raw.invoke({"use": True})
            if wanted.outcome is not invocation.Outcome.SUCCESS:
                raise WideloadError(f"{entry.name} fails as it comes", why=words(wanted))
            metadata = raw.invoke({"metadata": True})
            imports = raw.imports(modules)
        shutil.rmtree(folder / "raw")
        troubles: list[str] = []
        for mode, tree in (("sourceless", sourceless), ("beside", beside)):
            self.shipping.lay_out(package, tree, folder / mode)
            with Runner(self.sandbox, target, entry, folder / mode) as runner:
                for event, answer in (({"use": True}, wanted), ({"metadata": True}, metadata)):
                    troubles += _differ(answer, runner.invoke(event), f"{mode}, {event}")
                if mode == "sourceless":
                    troubles += differing_imports(imports, runner.imports(modules))
            shutil.rmtree(folder / mode)
        return msgspec.structs.replace(
            ran,
            outcome="broken" if troubles else "same",
            modules=len(modules) - len(imports.failed) - len(imports.crashed),
            skipped=tuple(sorted(imports.crashed)),
            troubles=tuple(troubles),
        )

    def _modules(self, entry: Entry, package: Package, slimmed: FileTree) -> tuple[str, ...]:
        """Of the package and of what it requires that is no package of the corpus itself."""
        others = {one.name for one in self.entries} - {entry.name}
        mine = {wheel.sha256 for wheel in package.resolution.wheels if wheel.name not in others}
        shipped = {one.path for one in slimmed}
        kept = package.raw.where(
            lambda one: (
                isinstance(one.origin, WheelMember)
                and one.origin.wheel in mine
                and (one.path in shipped or f"{one.path}c" in shipped)
            )
        )
        return tuple(name for name in all_modules(kept) if name not in entry.skip)

    def check(self, entry: Entry, *, again: bool) -> Checked | None:
        """The package for arm64, without running it."""
        if entry.arm64:
            return None
        before = self.results.read(entry.name)
        package = self.shipping.resolve(entry, Architecture.ARM64)
        slimmed = self.shipping.slim(package, "none")
        key = key_of(entry, package.raw, slimmed.tree)
        known = before.checked
        troubles: list[str] = []
        relaid = 0
        if known and (known.key, known.outcome) == (key, "same") and not again:
            relaid = known.relaid
        else:
            for path, old, new in pairs(package, slimmed, self.shipping.cache):
                relaid += 1
                troubles += [f"{path}: {what}" for what in differences(old, new)]
        checked = Checked(
            key,
            "broken" if troubles else "same",
            size_of(package, package.raw),
            size_of(package, slimmed.tree),
            libraries(slimmed),
            relaid,
            tuple(troubles),
        )
        self.results.write(entry.name, msgspec.structs.replace(before, checked=checked))
        self._tidy(package)
        return checked

    def _tidy(self, package: Package) -> None:
        self.shipping.sweep()
        if shutil.disk_usage(self._root).free < _ENOUGH_DISK:
            self.shipping.forget_wheels(package)


def _version(entry: Entry, package: Package) -> str:
    return next(one.version for one in package.resolution.wheels if one.name == entry.name)


def _differ(wanted: Invocation, found: Invocation, what: str) -> list[str]:
    """What another answer was given to the same event, in words."""
    if found.outcome is not invocation.Outcome.SUCCESS:
        return [f"{what}: {words(found)}"]
    if json.loads(found.payload) != json.loads(wanted.payload):
        said = [one.payload.decode(errors="replace")[:600] for one in (found, wanted)]
        return [f"{what}: {said[0]} instead of {said[1]}"]
    return []
