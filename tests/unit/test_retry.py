"""Only what says that it may is tried again, and not for longer than the budget."""

from __future__ import annotations

import time

import pytest
from tileproof.adapters.retry import retried
from tileproof.domain.errors import InputError, LedgerRejected, ServiceError

RETRYABLE = ServiceError("ledger.unreachable", "down", retryable=True)


class Service:
    """Fails with each error in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.began = list(errors), list[float]()

    def __call__(self) -> str:
        self.began.append(time.monotonic())
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_a_service_that_comes_back_is_asked_until_it_answers() -> None:
    service = Service(RETRYABLE, RETRYABLE)
    assert retried(service, budget_seconds=60) == "answer"
    assert len(service.began) == 3


@pytest.mark.parametrize(
    "error",
    [
        ServiceError("ledger.refused", "it may have had an effect"),
        LedgerRejected("NOT_OPEN"),
        InputError("job.unknown", "no such job"),
        KeyError("a bug of ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_nothing_else_is_tried_twice(error: Exception) -> None:
    service = Service(error)
    with pytest.raises(type(error)) as caught:
        retried(service, budget_seconds=60)
    assert caught.value is error
    assert len(service.began) == 1


@pytest.mark.parametrize("budget", [0.0, 0.3])
def test_no_try_begins_after_the_budget_and_the_last_error_is_raised(budget: float) -> None:
    service = Service(*[RETRYABLE] * 1000)
    with pytest.raises(ServiceError) as caught:
        retried(service, budget_seconds=budget)
    assert caught.value is RETRYABLE
    assert len(service.began) < 1000
    if budget == 0:
        assert len(service.began) == 1


def test_a_service_that_asks_for_patience_is_left_alone_for_as_long() -> None:
    busy = ServiceError("ledger.unreachable", "HTTP 429", retryable=True, retry_after=0.4)
    service = Service(busy)
    assert retried(service, budget_seconds=60) == "answer"
    first, second = service.began
    assert second - first >= 0.4


def test_patience_beyond_the_budget_is_not_waited_for() -> None:
    busy = ServiceError("ledger.unreachable", "HTTP 429", retryable=True, retry_after=600.0)
    service = Service(busy)
    with pytest.raises(ServiceError):
        retried(service, budget_seconds=60)
    assert len(service.began) == 1
