"""Somebody who calls a function without a pause while it is deployed, and notes all he is told."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e_shop import Shop


class Caller:
    """Calls the alias of a function over and over, and keeps what it is told."""

    def __init__(self, shop: Shop, name: str, pause: float = 0.02) -> None:
        """:param pause: seconds between an answer and the next call."""
        self._client = shop.aws.client("lambda")
        self._name = name
        self._pause = pause
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._told: list[str] = []
        self._thread = threading.Thread(target=self._call, daemon=True)

    def __enter__(self) -> Caller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def take(self) -> set[str]:
        """What it was told since this was asked last: answers, and what came in their place."""
        with self._lock:
            told, self._told = set(self._told), []
        return told

    def _call(self) -> None:
        while not self._stopping.wait(self._pause):
            try:
                answer = self._client.invoke(FunctionName=self._name, Qualifier="live")
                told = answer["Payload"].read().decode()
                if "FunctionError" in answer:
                    told = f"{answer['FunctionError']}: {told}"
            except Exception as error:  # an error is what must not be seen
                told = repr(error)
            with self._lock:
                self._told.append(told)
