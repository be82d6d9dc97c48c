"""Reads figures of a running server at regular times, beside the load."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Callable


class Sampler:
    """Calls `read` every `interval` seconds on a thread of its own while it is entered.

    Invariant: `samples` is written by that thread only, and complete after `__exit__`; what `read` throws is
    thrown there.
    """

    def __init__(self, interval: float, read: Callable[[], dict]) -> None:
        self.samples: list[dict] = []
        self._interval, self._read = interval, read
        self._end = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        began = time.monotonic()
        due = began
        try:
            while True:
                self.samples.append({"second": round(time.monotonic() - began, 2), **self._read()})
                due += self._interval
                if self._end.wait(max(0.0, due - time.monotonic())):
                    return
        except Exception as error:
            self._error = error

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(30)
        if self._error and error is None:
            raise self._error
