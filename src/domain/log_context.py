"""Names of what a role works on, for every line that is logged meanwhile.

The names belong to the flow of control: a thread starts with none, unless its work is wrapped by
``carried``. A formatter reads them when a line is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, fields, replace
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class LogContext:
    """The job, task, attempt and transaction at hand; None where there is none."""

    job: int | None = None
    task: int | None = None
    attempt: int | None = None
    transaction: int | None = None

    def named(self) -> dict[str, int]:
        """Returns what is known, in the order of the fields."""
        values = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in values if value is not None}


_NOTHING = LogContext()
_current: ContextVar[LogContext] = ContextVar("tileproof_log_context", default=_NOTHING)


def current() -> LogContext:
    """Returns the context of the calling flow."""
    return _current.get()


@contextmanager
def working_on(job: int, task: int | None = None, attempt: int | None = None) -> Iterator[None]:
    """Names the job, and what of it is at hand, until the block ends. Outer names do not show."""
    with _as(LogContext(job, task, attempt)):
        yield


@contextmanager
def sending(transaction: int) -> Iterator[None]:
    """Names the transaction, beside the names that are there, until the block ends."""
    with _as(replace(current(), transaction=transaction)):
        yield


def carried(call: Callable[P, R]) -> Callable[P, R]:
    """Returns ``call`` with the present context, for another thread to run."""
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.run(call, *args, **kwargs)

    return run


@contextmanager
def _as(context: LogContext) -> Iterator[None]:
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
