"""What a game came to: sums that become incomes with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.economics_cast import Seat, Worker

Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class Income:
    """A mean in R (the reward of one task), half its 95 % interval, and of how many."""

    mean: float
    half: float
    count: int


class Sums:
    """Count, sum and sum of squares by group."""

    def __init__(self, groups: int) -> None:
        self.count, self.sum, self.squares = (np.zeros(groups) for _ in range(3))

    def add(self, group: NDArray[np.int64], amount: NDArray[np.float64]) -> None:
        groups = len(self.count)
        self.count += np.bincount(group, minlength=groups)
        self.sum += np.bincount(group, amount, minlength=groups)
        self.squares += np.bincount(group, amount**2, minlength=groups)

    def income(self, group: int) -> Income | None:
        """None where nobody of the group has played."""
        count = int(self.count[group])
        if count == 0:
            return None
        mean = float(self.sum[group] / count)
        variance = max(0.0, float(self.squares[group] / count) - mean**2)
        return Income(mean, Z_95 * math.sqrt(variance / count), count)


@dataclass
class Tally:
    """Everybody's income: a worker's per claim, a seat's per sitting, a requester's per task."""

    cast: Sequence[Worker]
    probed: bool
    tasks: int = 0
    paid: int = 0
    paid_wrong: int = 0
    forfeited: float = 0.0
    requesters: float = 0.0
    workers: Sums = field(init=False)
    hirers: Sums = field(init=False)
    """What the requester gains or loses by a claim, by who claimed."""
    bonds_lost: Sums = field(init=False)
    wages: Sums = field(init=False)
    seats: Sums = field(init=False)
    """Of every place, or of the probed one."""

    def __post_init__(self) -> None:
        self.workers, self.hirers, self.bonds_lost, self.wages = (Sums(len(self.cast)) for _ in range(4))
        self.seats = Sums(len(Seat))

    def lapsed(self, who: NDArray[np.int64], lost: float) -> None:
        self.workers.add(who, np.full(len(who), -lost))

    def submitted(
        self,
        who: NDArray[np.int64],
        worker: NDArray[np.float64],
        requester: NDArray[np.float64],
        paid: NDArray[np.bool_],
        lost: NDArray[np.bool_],
        paid_wrong: NDArray[np.bool_],
        forfeited: NDArray[np.float64],
    ) -> None:
        self.workers.add(who, worker)
        self.hirers.add(who, requester)
        self.bonds_lost.add(who, lost.astype(float))
        self.wages.add(who, paid.astype(float))
        self.paid += int(paid.sum())
        self.paid_wrong += int(paid_wrong.sum())
        self.forfeited += float(forfeited.sum())
        self.requesters += float(requester.sum())

    def sat(self, seats: NDArray[np.int64], gained: NDArray[np.float64]) -> None:
        if self.probed:
            seats, gained = seats[:, 0], gained[:, 0]
        self.seats.add(seats.ravel(), gained.ravel())

    def worker(self, worker: Worker) -> Income | None:
        """None where it does not play, or found nothing to claim."""
        return self.workers.income(self.cast.index(worker)) if worker in self.cast else None

    def seat(self, seat: Seat) -> Income | None:
        return self.seats.income(seat)

    @property
    def wrong_share(self) -> float:
        """Of the results that were paid."""
        return self.paid_wrong / self.paid if self.paid else 0.0
