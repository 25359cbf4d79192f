"""Time that passes only when somebody waits or a test says so."""

from __future__ import annotations

from collections.abc import Callable


class FakeClock:
    """``on_wait`` runs after each wait, once its time has passed; it may stop the clock."""

    def __init__(self, on_wait: Callable[[], None] = lambda: None) -> None:
        self.seconds = 1_000.0
        self.on_wait = on_wait
        self._stopping = False

    def now(self) -> float:
        return 1_700_000_000 + self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> bool:
        if not self._stopping:
            self.advance(max(0.0, seconds))
            self.on_wait()
        return self._stopping

    @property
    def stopping(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        self._stopping = True

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
