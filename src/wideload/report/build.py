"""A build as JSON and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wideload.report.ledger import ledger_line
from wideload.report.sizes import human
from wideload.values.account import accounts
from wideload.values.slimmed import Addition

if TYPE_CHECKING:
    from wideload.values.artifact import Artifact, Manifest, ManifestFile

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
    makers = {file.path: rule for file in manifest.files if (rule := _maker(file))}
    changed = {(one.path, one.rule) for one in manifest.removals}
    additions = [
        Addition(file.path, makers[file.path], "", "", file.size, 0)
        for file in manifest.files
        if file.path in makers and (file.path, makers[file.path]) not in changed
    ]
    ledger = accounts(manifest.removals, additions, makers)
    return "\n".join([*lines, *(f"  {ledger_line(one)}" for one in ledger)])


def _maker(file: ManifestFile) -> str:
    """The rule that made a file, if any did."""
    rule = file.origin.rpartition(" by ")[2]
    return rule if "/" in rule else ""


def _holds(artifact: Artifact) -> str:
    return f"\n    {', '.join(artifact.packages)}" if artifact.packages else ""
