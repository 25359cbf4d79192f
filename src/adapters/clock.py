"""The Clock port: the system's clocks, and a stop that signals can ask for."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType


class SystemClock:
    def __init__(self) -> None:
        self._stop = threading.Event()

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        return self._stop.wait(max(0.0, seconds))

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()

    def stop_on_signals(self) -> None:
        """SIGTERM and the first Ctrl-C ask to stop; a second Ctrl-C interrupts at once.

        Only from the main thread."""

        def ask(number: int, _frame: FrameType | None) -> None:
            if number == signal.SIGINT and self._stop.is_set():
                raise KeyboardInterrupt
            self._stop.set()

        signal.signal(signal.SIGTERM, ask)
        signal.signal(signal.SIGINT, ask)
