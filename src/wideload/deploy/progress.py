"""How far a deployment is, told to whoever shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wideload.values.instruction import Instruction


class Progress(Protocol):
    """Whoever shows how far things are."""

    def started(self, index: int, total: int, instruction: Instruction) -> None:
        """An instruction begins; the first has index 0."""
        ...

    def sent(self, done: int, size: int) -> None:
        """So many bytes of an upload have gone. Called from any thread, in order."""
        ...

    def waited(self, seconds: float) -> None:
        """Lambda has been waited for so long."""
        ...

    def finished(self, index: int, total: int, instruction: Instruction) -> None:
        """An instruction is done."""
        ...


class Silent:
    """A `Progress` that shows nothing."""

    def started(self, index: int, total: int, instruction: Instruction) -> None:
        """Show nothing."""

    def sent(self, done: int, size: int) -> None:
        """Show nothing."""

    def waited(self, seconds: float) -> None:
        """Show nothing."""

    def finished(self, index: int, total: int, instruction: Instruction) -> None:
        """Show nothing."""
