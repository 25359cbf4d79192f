"""Which games are played, over which grids, and with how many tasks each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from tileproof.domain.job import Terms

from benchmarks.economics_cast import CHEATS, COPIER, HONEST, TRAP, Requester, Worker, seats_of
from benchmarks.economics_play import Game, play
from benchmarks.economics_rules import make_terms
from benchmarks.economics_tally import Tally

PROCESSES = 2
SIZES = (1, 3, 5, 7)
RATES = (0.1, 0.25, 0.5, 0.75, 1.0)
FEES = (0.05, 0.075, 0.1, 0.125, 0.15, 0.2)
BAD_SEATS = (0.0, 0.1, 0.2, 0.3, 0.4)
BEYOND = (0.5, 0.6)
"""Played for workers too, to see where honest work stops paying."""
CHEAT_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
FEW_CHEATS = (0.01, 0.02, 0.05)
PRIZE = tuple(worker for worker in CHEATS if worker.saved >= 0.25 and worker is not COPIER)
"""Strategies that spare at least a quarter of the work: whoever plays them has time for more tasks,
so that they must earn nothing at all."""
PAIRED = tuple(worker for worker in CHEATS if worker is not COPIER)
"""Strategies that are compared outside a market; what a copier earns depends on whom it copies."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Where in the grids a game belongs. ``fee`` in R, ``cheats`` and ``bad_seats`` shares."""

    size: int
    rate: float
    fee: float
    family: str = "lazy"
    bad_seats: float = 0.0
    cheats: float = 0.0
    requester: Requester = Requester.LOOKS

    @property
    def terms(self) -> Terms:
        return make_terms(self.size, self.rate, self.fee)

    @property
    def bond(self) -> float:
        return self.terms.worker_bond.units / self.terms.reward.units


def market(cheats: float, kinds: Sequence[Worker] = CHEATS) -> dict[Worker, float]:
    """Honest workers and cheats, each kind of cheat as frequent as the other."""
    shares = {HONEST: 1 - cheats}
    if cheats:
        shares |= {worker: cheats / len(kinds) for worker in kinds}
    return shares


def pairing(cell: Cell) -> Game:
    """Every strategy of a worker, and the trap, on the same terms before the same seats."""
    workers = dict.fromkeys((HONEST, *PAIRED, TRAP), 1.0)
    return Game(cell.terms, workers, seats_of(cell.family, cell.bad_seats))


def market_of(cell: Cell, kinds: Sequence[Worker] = CHEATS, probed: bool = False) -> Game:
    seats = seats_of(cell.family, cell.bad_seats)
    return Game(cell.terms, market(cell.cheats, kinds), seats, cell.requester, probed=probed)


def worker_cells(fee: float) -> list[Cell]:
    return [
        Cell(size, rate, fee, family, bad)
        for size in SIZES
        for rate in RATES
        for family in ("lazy", "lying")
        for bad in (*BAD_SEATS, *BEYOND)
        if bad or family == "lazy"
    ]


def market_cells(size: int, rate: float, fee: float) -> list[Cell]:
    return [
        Cell(size, rate, fee, family, bad, cheats)
        for cheats in CHEAT_SHARES
        for family in ("lazy", "lying", "mixed")
        for bad in BAD_SEATS
        if bad or family == "lazy"
    ]


def seat_cells(size: int, rate: float, fee: float) -> list[Cell]:
    few = [Cell(size, rate, fee, "lazy", bad, cheats) for cheats in FEW_CHEATS for bad in BAD_SEATS]
    return few + [cell for cell in market_cells(size, rate, fee) if cell.family != "mixed"]


def play_all(games: Iterable[Game], tasks: int, seed: int) -> list[Tally]:
    """Each game with a stream of its own, in the games' order; the same seed plays the same."""
    listed = list(games)
    streams = np.random.SeedSequence(seed).spawn(len(listed))
    with ProcessPoolExecutor(PROCESSES) as pool:
        return list(pool.map(_one, listed, [tasks] * len(listed), streams, chunksize=4))


def _one(game: Game, tasks: int, stream: np.random.SeedSequence) -> Tally:
    return play(game, tasks, np.random.default_rng(stream))
