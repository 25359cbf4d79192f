"""One policy for trying again: only what says it may, with jitter, within a total budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_before_delay, wait_random_exponential

from ..domain.errors import ServiceError

T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 3.0


def retried(call: Callable[[], T], *, budget_seconds: float) -> T:
    """The call's result; a ``ServiceError`` that is ``retryable`` is tried again as long as a try
    can begin within the budget, and then raised as it is. Everything else is raised at once."""
    policy = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, ServiceError) and error.retryable),
        wait=wait_random_exponential(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS),
        stop=stop_before_delay(budget_seconds),
        reraise=True,
    )
    return policy(call)
