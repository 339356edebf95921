"""Fetches the frames that lack, in order, by parallel ranges."""

from __future__ import annotations

import random
import threading
import time

from .download import Again, Connection, Run, Source
from .index import Index
from .trouble import BundleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CONNECTIONS = 12
_HEAD = 24 << 20
"""Bytes from the start that are fetched in small ranges: what comes first is waited for, and
one connection to S3 has some 55 MB/s."""
_HEAD_RANGE = 2 << 20
_RANGE = 8 << 20
_HEDGES = 4
_CORRUPT_LIMIT = 4
_WAIT_S = 2.0
_FIRST_BYTE_S = 0.3
_SILENT_S = 0.75


class Piece:
    """A range, with the frames that it holds something of."""

    def __init__(self, start: int, end: int, frame: int) -> None:
        self.start, self.end = start, end
        self.frames = [frame]
        self.attempts = 0
        self.after = 0.0
        self.runs: list[Run] = []
        self.done = False


class Counts:
    """What happened, for whoever measures."""

    def __init__(self) -> None:
        self.requests = self.retries = self.hedges = self.corrupt = self.bytes = 0
        self.connected = self.fetched = 0.0


class Fetching:
    """A pool of connections that work through pieces.

    :param deliver: called with a frame's number and its bytes, in parts, when all are there.
        Of each frame that it is given it says by :meth:`release` when its memory is free
        again, or by :meth:`corrupt` that it was not the frame.
    :param failed: called once, with why nothing more will come.
    :param memory: bytes that may be under way at once, roughly.
    """

    def __init__(
        self,
        source: Source,
        index: Index,
        deliver: Callable[[int, list[memoryview]], None],
        failed: Callable[[BundleError], None],
        memory: int,
    ) -> None:
        self._source, self._index = source, index
        self._deliver, self._failed = deliver, failed
        self._memory = memory
        self._change = threading.Condition()
        self._waiting: list[Piece] = []
        self._flying: list[Piece] = []
        self._hedged: list[Piece] = []
        self._urgent: set[int] = set()
        self._parts: dict[int, dict[int, memoryview]] = {}
        self._open: set[int] = set()
        self._corrupted: dict[int, int] = {}
        self._rates: list[float] = []
        self._firsts: list[float] = []
        self._over = False
        self.counts = Counts()

    def start(self, count: int) -> None:
        """Start this many connections."""
        for _ in range(count):
            threading.Thread(target=self._work, daemon=True).start()

    def want(self, frames: Iterable[int]) -> None:
        """Fetch these frames, after those that are wanted already."""
        with self._change:
            self._waiting += self._cut(frames)
            self._change.notify_all()

    def hurry(self, frames: Iterable[int]) -> None:
        """Somebody waits for these frames."""
        with self._change:
            self._urgent.update(frames)
            self._waiting.sort(key=self._turn)
            self._change.notify_all()

    def release(self, frame: int) -> None:
        """A frame's memory is free again."""
        with self._change:
            self._open.discard(frame)
            self._change.notify_all()

    def corrupt(self, frame: int) -> None:
        """A frame was not what the index says: fetch it again."""
        with self._change:
            self.counts.corrupt += 1
            count = self._corrupted[frame] = self._corrupted.get(frame, 0) + 1
            self._open.discard(frame)
            if count < _CORRUPT_LIMIT:
                self._waiting[:0] = self._cut([frame])
                self._change.notify_all()
                return
        self._fail(
            BundleError(
                "the bundle in S3 is not the one that was deployed",
                f"frame {frame} had another digest {count} times",
                "deploy the function again: it uploads the bundle",
            )
        )

    def stop(self) -> None:
        """Let the connections end."""
        with self._change:
            self._over = True
            self._change.notify_all()

    def watch(self) -> None:
        """Ask a second time for what is slower than all else; to be called every now and then."""
        now = time.monotonic()
        with self._change:
            hedges = sum(len(piece.runs) > 1 for piece in self._flying) + len(self._hedged)
            for piece in self._flying:
                if hedges >= _HEDGES:
                    break
                length = piece.end - piece.start
                if (
                    len(piece.runs) == 1
                    and piece not in self._hedged
                    and self._is_slow(piece.runs[0], length, now)
                ):
                    self._hedged.append(piece)
                    hedges += 1
                    self._change.notify_all()

    def _is_slow(self, run: Run, length: int, now: float) -> bool:
        if not run.first:
            usual = sorted(self._firsts)[len(self._firsts) // 2] if self._firsts else 0.1
            return now - run.began > max(_FIRST_BYTE_S, 3 * usual)
        if now - run.last > _SILENT_S:
            return True
        if len(self._rates) < 3:
            return False
        usual = sorted(self._rates)[len(self._rates) // 2]
        return now - run.began > max(_FIRST_BYTE_S, 3 * length / usual)

    def _cut(self, frames: Iterable[int]) -> list[Piece]:
        pieces: list[Piece] = []
        part = self._index.part
        for frame in frames:
            offset, length = self._index.frames[frame][:2]
            at, end = offset, offset + length
            while True:
                stride = _HEAD_RANGE if at < _HEAD else _RANGE
                border = min(at // stride * stride + stride, at // part * part + part, end)
                last = pieces[-1] if pieces else None
                if (
                    last
                    and last.end == at
                    and border - last.start <= stride // 2
                    and (last.start // part == at // part)
                ):
                    last.end = border
                    if last.frames[-1] != frame:
                        last.frames.append(frame)
                else:
                    pieces.append(Piece(at, border, frame))
                at = border
                if at >= end:
                    break
        return pieces

    def _turn(self, piece: Piece) -> tuple[bool, int]:
        return (not self._urgent.intersection(piece.frames), piece.start)

    def _work(self) -> None:
        connection = self._source.connection()
        while True:
            taken = self._take(connection)
            if taken is None:
                return
            piece, run = taken
            try:
                data = self._source.read(run, piece.start, piece.end)
            except Again as again:
                connection.close()
                connection = self._source.connection()
                self._retry(piece, run, again)
            except BundleError as error:
                self._fail(error)
                return
            except BaseException as error:
                self._fail(BundleError("the loader failed", f"{type(error).__name__}: {error}"))
                raise
            else:
                self._arrived(piece, run, data)

    def _take(self, connection: Connection) -> tuple[Piece, Run] | None:
        with self._change:
            while not self._over:
                now = time.monotonic()
                piece = self._next(now)
                if piece is not None:
                    run = Run(connection)
                    piece.runs.append(run)
                    self.counts.requests += 1
                    if piece not in self._flying:
                        self._flying.append(piece)
                    self._open.update(piece.frames)
                    return piece, run
                soonest = min((each.after for each in self._waiting), default=0.0)
                self._change.wait(soonest - now if soonest > now else None)
        return None

    def _next(self, now: float) -> Piece | None:
        while self._hedged:
            piece = self._hedged.pop(0)
            if not piece.done and len(piece.runs) == 1:
                self.counts.hedges += 1
                return piece
        held = sum(self._index.frames[frame][1] for frame in self._open)
        for at, piece in enumerate(self._waiting):
            if piece.after > now:
                continue
            # What has begun must end, or nothing is ever free.
            more = [frame for frame in piece.frames if frame not in self._open]
            if not more or held < self._memory or self._urgent.intersection(more):
                return self._waiting.pop(at)
        return None

    def _retry(self, piece: Piece, run: Run, again: Again) -> None:
        with self._change:
            piece.runs.remove(run)
            if piece.done or run.cut:
                return
            self.counts.retries += 1
            piece.attempts += 1
            if piece.runs:
                # The other attempt goes on.
                return
            if piece.attempts < again.limit:
                pause = 0.0 if again.at_once else min(_WAIT_S, 0.05 * 2**piece.attempts)
                piece.after = time.monotonic() + pause * random.uniform(0.5, 1)
                self._flying.remove(piece)
                self._waiting.append(piece)
                self._waiting.sort(key=self._turn)
                self._change.notify_all()
                return
        self._fail(self._source.given_up(again, piece.attempts))

    def _arrived(self, piece: Piece, run: Run, data: bytearray) -> None:
        now = time.monotonic()
        whole: list[tuple[int, list[memoryview]]] = []
        with self._change:
            piece.runs.remove(run)
            if piece.done:
                return
            piece.done = True
            self._flying.remove(piece)
            for other in piece.runs:
                other.end()
            self._rates.append(len(data) / max(now - run.began, 1e-6))
            self._firsts.append(run.first - run.began)
            self.counts.bytes += len(data)
            self.counts.connected = self.counts.connected or run.first
            self.counts.fetched = now
            view = memoryview(data)
            for frame in piece.frames:
                offset, length = self._index.frames[frame][:2]
                start, end = max(offset, piece.start), min(offset + length, piece.end)
                parts = self._parts.setdefault(frame, {})
                parts[start] = view[start - piece.start : end - piece.start]
                if sum(map(len, parts.values())) == length:
                    del self._parts[frame]
                    whole.append((frame, [parts[at] for at in sorted(parts)]))
        for frame, parts_in_order in whole:
            self._deliver(frame, parts_in_order)

    def _fail(self, error: BundleError) -> None:
        with self._change:
            if self._over:
                return
            self._over = True
            self._change.notify_all()
        self._failed(error)
