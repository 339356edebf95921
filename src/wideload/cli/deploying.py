"""How far a deployment is, on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wideload.values.instruction import Instruction


class Voice(Protocol):
    """Whoever writes it to stderr."""

    def tell(self, line: str) -> None:
        """A line."""
        ...

    def bar(self, what: str, done: int, total: int) -> None:
        """A line that tells how many bytes of how many are done."""
        ...


class Narration:
    """A line an instruction; a bar while bytes go out."""

    def __init__(self, console: Voice) -> None:
        self._console = console
        self._told_waiting = False

    def started(self, index: int, total: int, instruction: Instruction) -> None:
        """Say what begins."""
        self._told_waiting = False
        self._console.tell(f"[{index + 1}/{total}] {instruction.describe()}")

    def sent(self, done: int, size: int) -> None:
        """Move the bar."""
        self._console.bar("uploaded", done, size)

    def waited(self, seconds: float) -> None:
        """Say once that Lambda takes its time."""
        if seconds > 2 and not self._told_waiting:
            self._told_waiting = True
            self._console.tell("      waiting for Lambda …")

    def finished(self, index: int, total: int, instruction: Instruction) -> None:
        """The next line says enough."""
