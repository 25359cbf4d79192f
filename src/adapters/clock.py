"""The Clock port: the system's clocks, and a stop that signals can ask for."""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import time
import weakref
from pathlib import Path
from types import FrameType

_LONGEST_POLL_SECONDS = 86_400.0  # poll counts milliseconds in an int
BEAT_SECONDS = 5.0


class SystemClock:
    """A signal's handler runs between any two steps of the main thread, so a wait holds no lock
    that the handler could need: it polls a socket that a stop writes to and nobody reads. Windows
    polls sockets, and no pipes."""

    def __init__(self) -> None:
        self._stopping = False
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.setblocking(False)
            weakref.finalize(self, end.close)

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            while not self._stopping:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                selector.select(min(left, _LONGEST_POLL_SECONDS))
        return self._stopping

    @property
    def stopping(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            self._woken.send(b"!")

    def stop_on_signals(self) -> None:
        """SIGTERM and the first Ctrl-C ask to stop; a second Ctrl-C interrupts at once.

        Only from the main thread."""

        def ask(number: int, _frame: FrameType | None) -> None:
            if number == signal.SIGINT and self._stopping:
                raise KeyboardInterrupt
            self.stop()

        signal.signal(signal.SIGTERM, ask)
        signal.signal(signal.SIGINT, ask)


class HeartbeatClock(SystemClock):
    """A system clock that touches a file whenever the loop looks at it, at most every few seconds.

    Roles look between two steps and while they wait or render, so an old file means one that hangs.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file, self._touched_at = file, float("-inf")

    def wait(self, seconds: float) -> bool:
        """As ``Clock.wait``."""
        end = self.monotonic() + seconds
        while not super().wait(min(BEAT_SECONDS, max(0.0, end - self.monotonic()))):
            self._beat()
            if self.monotonic() >= end:
                return False
        return True

    @property
    def stopping(self) -> bool:
        """As ``Clock.stopping``."""
        self._beat()
        return super().stopping

    def monotonic(self) -> float:
        """As ``Clock.monotonic``."""
        self._beat()
        return super().monotonic()

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._touched_at >= BEAT_SECONDS:
            self._touched_at = now
            with contextlib.suppress(OSError):  # a full disk ends no role
                self._file.touch()
