"""What the games say: margins of honest work, where they end, and which terms follow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.economics_cast import HONEST, Costs, Seat, Worker
from benchmarks.economics_formula import income, is_covered, spread
from benchmarks.economics_games import PAIRED, PRIZE, Cell
from benchmarks.economics_tally import Income, Tally

SURE_BAD_SEATS = {"lazy": 0.3, "lying": 0.2}
"""Honest work pays most up to these shares of such seats,"""
NO_PRIZE_BAD_SEATS = 0.2
"""no cheat that spares work earns anything up to this one,"""
WRONG_AT_MOST = 0.01
"""and of what is paid at most this share is wrong, with a tenth of cheats who do not count their
losses and a tenth of lazy seats."""
ROUNDING = 1e-6
"""Of R: what whole units of the contract and sums of floats may be apart."""
BAD_RESULTS = 0.05
"""Cheats and traps among results, with which looking must pay more than not looking."""


@dataclass(frozen=True, slots=True)
class Margin:
    """Honest income, the best other strategy, and how much less it brings; in R."""

    honest: float
    rival: str
    rival_income: float
    margin: float
    half: float
    """Of the margin's 95 % interval."""

    @property
    def is_sure(self) -> bool:
        return self.margin - self.half > 0


def worker_margin(tally: Tally, rivals: Sequence[Worker] = PAIRED) -> Margin:
    return _margin(tally.worker(HONEST), {worker.name: tally.worker(worker) for worker in rivals})


def seat_margin(tally: Tally) -> Margin:
    others = {seat.name.lower(): tally.seat(seat) for seat in Seat if seat is not Seat.HONEST}
    return _margin(tally.seat(Seat.HONEST), others)


def _margin(honest: Income | None, rivals: Mapping[str, Income | None]) -> Margin:
    there = {name: each for name, each in rivals.items() if each is not None}
    if honest is None or not there:
        raise ValueError("nobody to compare")
    name = max(there, key=lambda each: there[each].mean)
    best = there[name]
    return Margin(
        honest.mean, name, best.mean, honest.mean - best.mean, (honest.half**2 + best.half**2) ** 0.5
    )


def margin_to(tally: Tally, rival: Worker) -> Margin | None:
    """Honest work against one strategy; None where it had no claim."""
    other = tally.worker(rival)
    return None if other is None else _margin(tally.worker(HONEST), {rival.name: other})


def best_prize(tally: Tally) -> float:
    """The most that a strategy which spares work earns per task, upper end of its interval."""
    earned = [tally.worker(worker) for worker in PRIZE]
    return max(each.mean + each.half for each in earned if each is not None)


def bond_needed(cell: Cell, tally: Tally, to_earn_nothing: bool) -> float:
    """The least worker bond, in R, with which no strategy beats honest work, or none that spares work
    earns anything. A settlement keeps the bond whole or not at all, so that incomes are straight lines in
    it: what was played at one bond tells all."""
    honest_at = tally.cast.index(HONEST)
    honest, honest_lost = tally.workers.sum[honest_at], tally.bonds_lost.sum[honest_at]
    honest, honest_lost = (each / tally.workers.count[honest_at] for each in (honest, honest_lost))
    least = 0.0
    for worker in PRIZE if to_earn_nothing else PAIRED:
        at = tally.cast.index(worker)
        count = tally.workers.count[at]
        earned, lost = tally.workers.sum[at] / count, tally.bonds_lost.sum[at] / count
        gain = earned if to_earn_nothing else earned - honest
        slope = lost if to_earn_nothing else lost - honest_lost
        if slope > 0:
            least = max(least, cell.bond + float(gain / slope))
    return least


def end_of(margins: Mapping[float, float]) -> float | None:
    """The share at which a margin falls through zero, between the points played; None if it does not."""
    points = sorted(margins.items())
    for (low, above), (high, below) in pairwise(points):
        if above > 0 >= below:
            return low + (high - low) * above / (above - below)
    return None


@dataclass(frozen=True, slots=True)
class Against:
    """How far simulation and formula are apart. ``largest_z`` in standard errors."""

    compared: int
    largest_gap: float
    largest_z: float
    beyond_4: int


def against_formula(played: Iterable[tuple[Cell, Tally]], costs: Costs) -> Against:
    compared, largest_gap, largest_z, beyond = 0, 0.0, 0.0, 0
    for cell, tally in played:
        if cell.family != "lazy":
            continue
        for worker in filter(is_covered, tally.cast):
            seen = tally.worker(worker)
            if seen is None:
                continue
            at = cell.size, cell.rate, cell.bond, cell.bad_seats
            expected = income(worker, *at, costs)
            gap = abs(seen.mean - expected)
            error = ROUNDING + spread(worker, *at) / math.sqrt(seen.count)
            compared += 1
            largest_gap, largest_z = max(largest_gap, gap), max(largest_z, gap / error)
            beyond += gap > 4 * error
    return Against(compared, largest_gap, largest_z, beyond)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Terms and how they do by the four conditions; ``price`` is the expected audit fees per task."""

    size: int
    rate: float
    bond: float
    worst_margin: float
    prize: float
    wrong_share: float
    price: float

    @property
    def will_do(self) -> bool:
        return self.worst_margin > 0 and self.prize <= 0 and self.wrong_share <= WRONG_AT_MOST


def candidate(size: int, rate: float, fee: float, paired: Mapping[Cell, Tally], careless: Tally) -> Candidate:
    """``careless``: the market of cheats that do not count their losses."""
    mine = {cell: tally for cell, tally in paired.items() if (cell.size, cell.rate) == (size, rate)}
    margins = [
        min(m.margin - m.half, m.honest)
        for cell, tally in mine.items()
        if cell.bad_seats <= SURE_BAD_SEATS[cell.family]
        for m in [worker_margin(tally)]
    ]
    prizes = [best_prize(tally) for cell, tally in mine.items() if cell.bad_seats <= NO_PRIZE_BAD_SEATS]
    bond = next(iter(mine)).bond
    return Candidate(size, rate, bond, min(margins), max(prizes), careless.wrong_share, rate * size * fee)


def cheapest(candidates: Iterable[Candidate]) -> Candidate:
    """The default: of those that will do, the one whose audits cost the requester least. Raises
    ValueError when none will."""
    return min((each for each in candidates if each.will_do), key=lambda each: each.price)


def least_fee(margins: Mapping[float, Margin]) -> float:
    """The least audit fee with which looking pays, and pays more than any other way to sit."""
    return min(fee for fee, each in margins.items() if each.honest > 0 and each.is_sure)
