"""One population plays: tasks from claim to payment, all at once, by the rules of ``economics_rules``.

Seats are drawn independently from the shares of the population, as from a registry with very many
owners; an empty place does not occur.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tileproof.domain.job import Terms

from benchmarks import economics_rules as rules
from benchmarks.economics_cast import COSTS, Appeals, Costs, Move, Requester, Seat, Truth, Worker
from benchmarks.economics_rules import ACCEPT, INCONCLUSIVE, REJECT, REJECT_OTHER, SILENT, UNAVAILABLE, UNIT
from benchmarks.economics_tally import Tally

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LAPSE_SHARE = 0.05
"""Of the worker bond, as on the embedded network."""
ATTEMPTS, ROUNDS = 3, 3
FINE, FINE_OF_CHEAT, WRONG_FIRST, WRONG, GONE = range(5)
"""What a seat meets: all it is asked about is right and an honest worker's, or a cheat's; the first
tile is wrong; something else is wrong; no bytes."""
A, R, M, U, N = ACCEPT, REJECT, REJECT_OTHER, UNAVAILABLE, INCONCLUSIVE
SAYS: Ints = np.array(
    [
        [A, A, R, R, U],  # HONEST
        [A, A, A, A, A],  # LAZY
        [SILENT] * 5,
        [rules.UNREVEALED] * 5,
        [N, N, N, N, N],
        [M, A, A, A, A],  # COLLUDING
        [M, M, R, M, M],  # REJECTING: the tile it makes up is the first
        [U, U, U, U, U],
    ]
)


@dataclass(frozen=True, slots=True)
class Game:
    """A population and its terms. ``probed``: place 0 of every committee is a seat of any kind, so
    that each strategy is tried among the same others."""

    terms: Terms
    workers: Mapping[Worker, float]
    seats: Mapping[Seat, float]
    requester: Requester = Requester.LOOKS
    costs: Costs = COSTS
    probed: bool = False


def play(game: Game, tasks: int, rng: np.random.Generator) -> Tally:
    """What ``tasks`` tasks bring to everybody, each played to its payment or close."""
    return _Play(game, rng).run(tasks)


class _Play:
    def __init__(self, game: Game, rng: np.random.Generator) -> None:
        self.game, self.rng, self.costs = game, rng, game.costs
        self.n, self.fee = game.terms.committee_size, game.terms.audit_fee.units / UNIT
        self.cast: Sequence[Worker] = tuple(game.workers)
        self.tally = Tally(self.cast, game.probed)
        cast = self.cast
        self.saved = np.array([w.saved for w in cast])
        self.truth = np.array([w.truth for w in cast])
        self.found = np.array([w.detection for w in cast])
        self.share = np.array([w.share if w.truth is Truth.BAD else float(w.truth > 0) for w in cast])
        self.seen = np.array([w.seen for w in cast])
        self.first = np.array([w.is_wrong_everywhere for w in cast])
        self.cheat = np.array([not w.is_honest for w in cast])
        self.copies = np.array([w.move is Move.COPIES for w in cast])
        self.lapses = np.array([w.move is Move.LAPSES for w in cast])
        self.appeals = np.array([tuple(Appeals).index(w.appeals) for w in cast])
        self.seat_edges = np.cumsum([game.seats.get(seat, 0.0) for seat in Seat])
        self.sitting_costs = [
            np.array([self.costs.of_seat(seat, appeal) for seat in Seat]) for appeal in (False, True)
        ]

    def run(self, tasks: int) -> Tally:
        delivered = np.zeros(tasks, dtype=np.int64)  # whose pixels the attempt before handed in
        left = np.arange(tasks)
        for attempt in range(ATTEMPTS):
            if not left.size:
                break
            who = self._claimants(len(left), attempt)
            pixels = np.where(self.copies[who], delivered[left], who)
            reopened = self._attempt(who, pixels, last=attempt == ATTEMPTS - 1)
            delivered[left] = pixels
            left = left[reopened]
        self.tally.tasks = tasks
        return self.tally

    def _claimants(self, count: int, attempt: int) -> Ints:
        """Who submits. A copier takes only what has been handed in before; after a squatter another
        comes, until somebody submits."""
        shares = np.array(list(self.game.workers.values()))
        if attempt == 0:
            shares = shares * ~self.copies
        who = self.rng.choice(len(shares), count, p=shares / shares.sum())
        while (squat := np.flatnonzero(self.lapses[who])).size:
            bond = self.game.terms.worker_bond.units / UNIT
            lost = LAPSE_SHARE * bond + self.costs.gas(self.costs.claim_gas)
            self.tally.lapsed(who[squat], lost)
            others = shares * ~self.lapses
            if not others.any():
                raise ValueError("nobody but squatters")
            who[squat] = self.rng.choice(len(shares), squat.size, p=others / others.sum())
        return who

    def _attempt(self, who: Ints, pixels: Ints, last: bool) -> Bools:
        """Whether each task opens again."""
        seats, key = self._first_rounds(who, pixels)
        decided, at = np.unique(key, return_inverse=True)
        said = np.array([rules.decide(int(k)) if k else (rules.NOT_DRAWN, -1) for k in decided])[at]
        outcome, charge = said[:, 0], said[:, 1]
        question, by_worker, appealed_seats, appeal_key = self._appeals(who, pixels, outcome, charge)
        row = self._settled(key, question, appeal_key, last)
        self._pay_parties(who, pixels, question, by_worker, row)
        audited = np.flatnonzero(key)
        if audited.size:
            votes, sat = seats
            self._pay_seats(sat[audited], votes[audited], row[audited, rules.FIRST : rules.APPEAL], False)
        asked = np.flatnonzero(question)
        if asked.size:
            votes, sat = appealed_seats
            self._pay_seats(sat, votes, row[asked, rules.APPEAL :], True)
        final = row[:, rules.FINAL]
        failed: Bools = (final == rules.REJECTED) | (final == rules.UNAVAILABLE_OUTCOME)
        return np.zeros_like(failed) if last else failed

    def _first_rounds(self, who: Ints, pixels: Ints) -> tuple[tuple[Ints, Ints], Ints]:
        """Votes, seats and key of the deciding round; key 0 where nobody was drawn."""
        rate = self.game.terms.audit_rate_bps / 10_000
        votes = np.zeros((len(who), self.n), dtype=np.int64)
        sat, key = votes.copy(), np.zeros(len(who), dtype=np.int64)
        running = np.flatnonzero(self.rng.random(len(who)) < rate)
        for round_ in range(ROUNDS):
            meets = self._meets(who[running], pixels[running])
            seats = self._draw(running.size, self.n)
            said = SAYS[seats, meets[:, None]]
            keys = rules.WEIGHTS[said].sum(axis=1)
            votes[running], sat[running], key[running] = said, seats, keys
            different, at = np.unique(keys, return_inverse=True)
            none = np.array([rules.decide(int(k))[0] == rules.NO_VERDICT for k in different], dtype=bool)[at]
            if round_ == ROUNDS - 1 or not none.any():
                break
            self._pay_seats(seats[none], said[none], -self.fee * rules.FEES_UNHEARD, False)
            running = running[none]
        return (votes, sat), key

    def _meets(self, who: Ints, pixels: Ints) -> Ints:
        """What an audit on a fresh list meets, the same for all its seats."""
        found = self.rng.random(len(who)) < self.found[pixels]
        return self._situation(who, pixels, found)

    def _situation(self, who: Ints, pixels: Ints, is_wrong: Bools) -> Ints:
        fine = np.where(self.cheat[who], FINE_OF_CHEAT, FINE)
        wrong = np.where(self.first[pixels], WRONG_FIRST, WRONG)
        meets = np.where(is_wrong, wrong, fine)
        return np.where(self.truth[pixels] == Truth.WITHHELD, GONE, meets)

    def _draw(self, committees: int, size: int) -> Ints:
        drawn = np.searchsorted(self.seat_edges, self.rng.random((committees, size)), side="right")
        seats = np.minimum(drawn, len(Seat) - 1)
        if self.game.probed:
            seats[:, 0] = self.rng.integers(len(Seat), size=committees)
        return seats

    def _appeals(
        self, who: Ints, pixels: Ints, outcome: Ints, charge: Ints
    ) -> tuple[Ints, Bools, tuple[Ints, Ints], Ints]:
        """The questions (0 is none), whether the worker asks, and the votes, seats and keys."""
        paid = (outcome == rules.ACCEPTED) | (outcome == rules.NOT_DRAWN)
        failed = (outcome == rules.REJECTED) | (outcome == rules.UNAVAILABLE_OUTCOME)
        right = self.truth[pixels] == Truth.RIGHT
        always, when_right = (tuple(Appeals).index(a) for a in (Appeals.ALWAYS, Appeals.WHEN_RIGHT))
        wants = (self.appeals[who] == always) | ((self.appeals[who] == when_right) & right)
        by_worker = failed & wants
        noticed = self.rng.random(len(who)) < self.seen[pixels]
        by_requester = paid & self._requester_wants(noticed)
        question = np.zeros(len(who), dtype=np.int64)
        rejected = outcome == rules.REJECTED
        question[by_worker & rejected] = rules.LISTED_TILE
        question[by_worker & ~rejected] = rules.WHOLE
        listed = (outcome == rules.ACCEPTED) & self.first[pixels] & noticed
        question[by_requester & listed] = rules.LISTED_TILE
        question[by_requester & ~listed] = rules.NAMED_TILE
        asked = np.flatnonzero(question)
        key = np.zeros(len(who), dtype=np.int64)
        meets = self._asked(who[asked], pixels[asked], question[asked], charge[asked], noticed[asked])
        seats = self._draw(asked.size, 2 * self.n + 1)
        votes = SAYS[seats, meets[:, None]]
        key[asked] = rules.WEIGHTS[votes].sum(axis=1)
        return question, by_worker, (votes, seats), key

    def _requester_wants(self, noticed: Bools) -> Bools:
        asks = {Requester.LOOKS: noticed, Requester.EVERYTHING: np.ones_like(noticed)}
        return asks.get(self.game.requester, np.zeros_like(noticed))

    def _asked(self, who: Ints, pixels: Ints, question: Ints, charge: Ints, noticed: Bools) -> Ints:
        """What an appeal's seats meet. A tile picked without having seen anything is wrong as often as
        tiles are; the one that honest seats named, and one that was seen to be wrong, is wrong."""
        chance = np.where(question == rules.WHOLE, self.found[pixels], self.share[pixels])
        known = (charge == REJECT) & (question == rules.LISTED_TILE)
        known |= (charge < 0) & noticed & (question != rules.WHOLE)
        luck = self.rng.random(len(who)) < chance
        return self._situation(who, pixels, (known | luck) & (self.truth[pixels] != Truth.RIGHT))

    def _settled(self, key: Ints, question: Ints, appeal_key: Ints, last: bool) -> Floats:
        """Every task's ROW."""
        first, first_at = np.unique(key, return_inverse=True)
        appeal, appeal_at = np.unique(appeal_key, return_inverse=True)
        code = (first_at * len(rules.QUESTIONS) + question) * len(appeal) + appeal_at
        codes, at = np.unique(code, return_inverse=True)
        rows = np.empty((len(codes), rules.ROW))
        for number, each in enumerate(codes.tolist()):
            rest, appeal_no = divmod(each, len(appeal))
            first_no, asked = divmod(rest, len(rules.QUESTIONS))
            keys = int(first[first_no]), asked, int(appeal[appeal_no])
            rows[number] = rules.settle(self.game.terms, *keys, last)
        return rows[at]

    def _pay_parties(self, who: Ints, pixels: Ints, question: Ints, by_worker: Bools, row: Floats) -> None:
        costs = self.costs
        staked = row[:, rules.APPELLANT] - costs.gas(costs.appeal_gas) * (question > 0)
        spent = costs.render * (1 - self.saved[who]) + costs.gas(costs.worker_gas)
        worker = row[:, rules.WORKER] - spent + np.where(by_worker, staked, 0)
        requester = row[:, rules.REQUESTER] + np.where(by_worker, 0, staked)
        final = row[:, rules.FINAL]
        paid = (final == rules.ACCEPTED) | (final == rules.NOT_DRAWN)
        lost = (final == rules.REJECTED) | (final == rules.UNAVAILABLE_OUTCOME)
        wrong = self.truth[pixels] != Truth.RIGHT
        self.tally.submitted(who, worker, requester, paid, lost, paid & wrong, row[:, rules.FORFEITED])

    def _pay_seats(self, seats: Ints, votes: Ints, gains: Floats, appeal: bool) -> None:
        """``gains`` by vote: of each committee, or the same for all."""
        each = gains[votes] if gains.ndim == 1 else np.take_along_axis(gains, votes, axis=1)
        self.tally.sat(seats, each - self.sitting_costs[appeal][seats])
