"""The pages of docs/reference/, made from the code."""

from __future__ import annotations

from reference import command_line, configuration, outputs, quotas, rules


def files() -> dict[str, str]:
    """Every file of docs/reference/ by its name there, with its text."""
    return {
        "command-line.md": command_line.page(),
        "configuration.md": configuration.page(),
        "limits.md": quotas.page(),
        "rules.md": rules.page(),
        **outputs.pages(),
    }
