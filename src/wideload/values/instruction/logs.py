"""Steps on the log group that a function writes to."""

from __future__ import annotations

import msgspec


class CreateLogGroup(msgspec.Struct, frozen=True, tag="create-log-group", tag_field="do"):
    """Make the log group that the function writes to."""

    group: str

    def describe(self) -> str:
        """One line for people."""
        return f"create log group {self.group}"


class SetRetention(msgspec.Struct, frozen=True, tag="set-retention", tag_field="do"):
    """Let log events expire."""

    group: str
    days: int

    def describe(self) -> str:
        """One line for people."""
        return f"keep events of log group {self.group} for {self.days} days"


class DeleteLogGroup(msgspec.Struct, frozen=True, tag="delete-log-group", tag_field="do"):
    """Take away the log group with all it holds."""

    group: str

    def describe(self) -> str:
        """One line for people."""
        return f"delete log group {self.group} with all its events"
