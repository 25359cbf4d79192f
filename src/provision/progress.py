"""What a person sees while a tool comes: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

_PLAIN_SECONDS = 30.0
_NEWS_WIDTH = 70


class Progress:
    """Steps that take long, told on one console."""

    def __init__(self, console: Console, plain_seconds: float = _PLAIN_SECONDS) -> None:
        self._console = console
        self._plain_seconds = plain_seconds

    @contextmanager
    def step(self, subject: str, what: str) -> Iterator[Callable[[str], None]]:
        """Says what begins, what is new meanwhile, and how long it took.

        News given to the callable show with the time gone by: at once on a terminal, elsewhere
        every half minute.
        """
        began = time.monotonic()
        self._line(f"{subject}: {what}")
        if self._console.is_terminal:
            with self._console.status("") as status:
                yield lambda news: status.update(Text(f"{_clock(began)}  {news[:_NEWS_WIDTH]}"))
        else:
            yield self._now_and_then(subject, began)
        self._line(f"{subject}: done after {_clock(began)}")

    def _now_and_then(self, subject: str, began: float) -> Callable[[str], None]:
        told = began

        def tell(news: str) -> None:
            nonlocal told
            if time.monotonic() - told >= self._plain_seconds:
                told = time.monotonic()
                self._line(f"{subject}: {_clock(began)}  {news[:_NEWS_WIDTH]}")

        return tell

    def _line(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)


def _clock(began: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
