"""A build as JSON and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wideload.report.sizes import human

if TYPE_CHECKING:
    from wideload.values.artifact import Artifact, Manifest

SCHEMA = 1


def build_json(manifest: Manifest, folder: str) -> dict[str, Any]:
    """The build as `wideload build --json` prints it; the manifest itself lies in the folder."""
    return {
        "schema": SCHEMA,
        "function": manifest.function,
        "strategy": manifest.strategy.value,
        "folder": folder,
        "artifacts": [
            {
                "role": artifact.role,
                "filename": artifact.filename,
                "sha256": artifact.sha256,
                "size": artifact.size,
                "unzipped_bytes": artifact.unzipped_bytes,
                "packages": list(artifact.packages),
            }
            for artifact in manifest.artifacts
        ],
        "files": len(manifest.files),
        "removed_files": len(manifest.removals),
    }


def build_text(manifest: Manifest, folder: str) -> str:
    """The build in a few lines."""
    lines = [f"built {manifest.function} for {manifest.strategy} in {folder}"]
    lines += [
        f"  {artifact.filename}  {human(artifact.size)} zipped, "
        f"{human(artifact.unzipped_bytes)} unzipped  sha256:{artifact.sha256}{_holds(artifact)}"
        for artifact in manifest.artifacts
    ]
    saved: dict[str, tuple[str, int, int]] = {}
    for removal in manifest.removals:
        reason, count, size = saved.get(removal.rule, (removal.reason, 0, 0))
        saved[removal.rule] = (reason, count + 1, size + removal.saved_unzipped)
    lines += [
        f"  left out by {rule}: {count:,} files, {human(size)} ({reason})"
        for rule, (reason, count, size) in sorted(saved.items())
    ]
    lines += [
        f"  added by {rule}: {count:,} files, {human(size)}"
        for rule, (count, size) in sorted(_added(manifest).items())
    ]
    return "\n".join(lines)


def _added(manifest: Manifest) -> dict[str, tuple[int, int]]:
    """Files and their bytes by the rule that made them, but for what was made smaller."""
    changed = {removal.path for removal in manifest.removals}
    found: dict[str, tuple[int, int]] = {}
    for file in manifest.files:
        rule = file.origin.rpartition(" by ")[2]
        if "/" in rule and file.path not in changed:
            count, size = found.get(rule, (0, 0))
            found[rule] = count + 1, size + file.size
    return found


def _holds(artifact: Artifact) -> str:
    return f"\n    {', '.join(artifact.packages)}" if artifact.packages else ""
