"""The Clock port: the system's clocks, and a stop that signals can ask for."""

from __future__ import annotations

import os
import select
import signal
import time
import weakref
from types import FrameType

_LONGEST_POLL_SECONDS = 86_400.0  # poll counts milliseconds in an int


class SystemClock:
    """A signal's handler runs between any two steps of the main thread, so a wait holds no lock
    that the handler could need: it is a poll of a pipe that a stop writes to and nobody reads."""

    def __init__(self) -> None:
        self._stopping = False
        self._wake, self._woken = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        weakref.finalize(self, _close, self._wake, self._woken)

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        deadline = time.monotonic() + seconds
        while not self._stopping:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            poll.poll(min(left, _LONGEST_POLL_SECONDS) * 1000)
        return self._stopping

    @property
    def stopping(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            os.write(self._woken, b"!")

    def stop_on_signals(self) -> None:
        """SIGTERM and the first Ctrl-C ask to stop; a second Ctrl-C interrupts at once.

        Only from the main thread."""

        def ask(number: int, _frame: FrameType | None) -> None:
            if number == signal.SIGINT and self._stopping:
                raise KeyboardInterrupt
            self.stop()

        signal.signal(signal.SIGTERM, ask)
        signal.signal(signal.SIGINT, ask)


def _close(*descriptors: int) -> None:
    for each in descriptors:
        os.close(each)
