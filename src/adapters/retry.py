"""One policy for trying again: only what says it may, with jitter, within a total budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_before_delay, wait_random_exponential

from ..domain.errors import ServiceError

T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 3.0


def retried(call: Callable[[], T], *, budget_seconds: float) -> T:
    """The call's result; a ``ServiceError`` that is ``retryable`` is tried again as long as a try
    can begin within the budget, and then raised as it is. Everything else is raised at once.

    An error with ``retry_after`` in its data is not tried again before that many seconds.
    """
    policy = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, ServiceError) and error.retryable),
        wait=_wait,
        stop=stop_before_delay(budget_seconds),
        reraise=True,
    )
    return policy(call)


_backoff = wait_random_exponential(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked_for = float(str(error.data.get("retry_after", 0.0))) if isinstance(error, ServiceError) else 0.0
    return max(asked_for, _backoff(state))
