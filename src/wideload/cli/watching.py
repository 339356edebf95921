"""How far many functions are, on stderr: lines, or one display on a terminal."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

from rich.console import Console as Rich
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Column

from wideload.cli.deploying import Narration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from wideload.cli.console import Console
    from wideload.errors import WideloadError
    from wideload.fleet import Watcher
    from wideload.values.instruction import Instruction


@contextlib.contextmanager
def watching(console: Console) -> Iterator[Watcher]:
    """Whoever shows it: a display where there is a terminal, else lines."""
    if console.quiet or not sys.stderr.isatty():
        yield Lines(console)
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=20),
        TextColumn(
            "{task.fields[state]}",
            markup=False,
            # What is long is cut here, never the function's name.
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
        console=Rich(stderr=True, highlight=False),
        transient=True,
        expand=True,
    ) as bars:
        yield Display(bars)


class _Voice:
    """Says of which function a line is."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._before = f"{name}: " if name else ""
        self.quiet = console.quiet

    def tell(self, line: str) -> None:
        self._console.tell(f"{self._before}{line}")

    def progress(self, what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        return self._console.progress(f"{self._before}{what}", total)

    def bar(self, what: str, done: int, total: int) -> None:
        self._console.bar(f"{self._before}{what}", done, total)


class Lines:
    """A line for everything that happens, with the function's name."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begins(self, what: str, total: int) -> None:
        """Lines of the functions say enough."""

    def ended(self, name: str, error: WideloadError | None) -> None:
        """Say what failed."""
        if error is not None:
            self._console.tell(f"{name}: failed: {error.what}")

    def narrator(self, name: str) -> _Voice:
        """Lines with the function's name before them."""
        return _Voice(self._console, name)

    def deployment(self, name: str) -> Narration:
        """A line an instruction."""
        return Narration(_Voice(self._console, name))


class Display:
    """A bar for all functions, and one for each that is being worked on."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._all = bars.add_task("", total=None, state="")
        self._deploying: dict[str, TaskID] = {}
        self._through = self._total = 0
        self._lock = threading.Lock()

    def begins(self, what: str, total: int) -> None:
        """The bar for all begins anew."""
        with self._lock:
            self._through, self._total = 0, total
            self._bars.reset(self._all, description=what, total=total, state=self._state())

    def ended(self, name: str, error: WideloadError | None) -> None:
        """The bar for all moves; a failure stays to be read."""
        with self._lock:
            task = self._deploying.pop(name, None)
            if task is not None:
                self._bars.remove_task(task)
            self._through += 1
            self._bars.update(self._all, completed=self._through, state=self._state())
        if error is not None:
            self.tell(f"{name}: failed: {error.what}")

    def _state(self) -> str:
        return f"{self._through} of {self._total} functions"

    def tell(self, line: str) -> None:
        """A line above the bars."""
        self._bars.console.print(line, markup=False)

    def narrator(self, name: str) -> _Bars:
        """Lines above the bars, and bars of its own."""
        return _Bars(self, self._bars, name)

    def deployment(self, name: str) -> _Deploying:
        """A bar while it is deployed."""
        task = self._bars.add_task(name, total=None, state="")
        with self._lock:
            self._deploying[name] = task
        return _Deploying(self._bars, task)


class _Bars:
    def __init__(self, display: Display, bars: Progress, name: str) -> None:
        self._display = display
        self._bars = bars
        self._before = f"{name}: " if name else ""

    def tell(self, line: str) -> None:
        self._display.tell(f"{self._before}{line}")

    @contextlib.contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        if not total:
            yield lambda _: None
            return
        state = f"{total / 1e6:.1f} MB"
        task = self._bars.add_task(f"{self._before}{what}", total=total, state=state)
        try:
            yield lambda more: self._bars.advance(task, more)
        finally:
            self._bars.remove_task(task)


class _Deploying:
    """The bar of one deployment: its upload while there is one, else its instructions."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def started(self, index: int, total: int, instruction: Instruction) -> None:
        self._bars.update(self._task, total=total, completed=index, state=instruction.describe())

    def sent(self, done: int, size: int) -> None:
        self._bars.update(self._task, total=size, completed=done)

    def waited(self, seconds: float) -> None:
        pass

    def finished(self, index: int, total: int, instruction: Instruction) -> None:
        del instruction
        self._bars.update(self._task, total=total, completed=index + 1)
