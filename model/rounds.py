"""Draw, commit, reveal: a committee and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tileproof.domain.job import APPEAL_ROUND, Commitment, Ground, Reveal, TaskState, Verdict
from tileproof.domain.sampling import audit_seed, is_audited, verdict_commitment
from tileproof.ports import ledger as port

from .books import Cell, Charge, Place, Round, slots_of
from .checks import require
from .draw import Draw, answerable_blocks, committee_size, least_bond, owners, voting_blocks
from .settling import Settling
from .status import Status


class Rounds(Settling):
    def draw(self, job_id: int, tasks: Sequence[int]) -> None:
        for task in self.batch(tasks):
            cell, status = self.find(job_id, task)
            waiting = (TaskState.SUBMITTED, TaskState.APPEALED)
            require(status.state not in waiting, "SEED_TOO_YOUNG")
            require(status.state is TaskState.DRAWABLE, "TASK_NOT_DRAWABLE")
            if cell.round is not None and cell.appeal is None:
                self.carry_out_failed(job_id, task, cell, cell.round)
            drawn = self._draw(job_id, task, cell, status)
            self.keep(job_id, task, cell.with_live(drawn))
            seats = tuple(place.slot for place in drawn.places)
            data = (cell.attempt, drawn.number, drawn.audited, drawn.seed, seats)
            self.emit(port.TaskDrawn, job_id, task, *data)

    def commit(self, job_id: int, commitments: Sequence[Commitment]) -> None:
        for each in self.batch(commitments):
            cell, status = self.find(job_id, each.task)
            require(status.state is TaskState.COMMITTING, "NOT_COMMITTING")
            require((each.attempt, each.round) == (cell.attempt, status.round), "WRONG_ROUND")
            live, place = self._own_place(cell, each.seat)
            require(place.sealed is None, "ALREADY_COMMITTED")
            sealed = live.with_place(each.seat, replace(place, sealed=each.commitment))
            self.keep(job_id, each.task, cell.with_live(replace(sealed, sealed_block=self.block)))
            self.emit(port.VerdictCommitted, job_id, each.task, self.caller, each.seat)

    def reveal(self, job_id: int, reveals: Sequence[Reveal]) -> None:
        for each in self.batch(reveals):
            cell, status = self.find(job_id, each.task)
            require(status.state is TaskState.REVEALING, "NOT_REVEALING")
            live, place = self._own_place(cell, each.seat)
            require(place.sealed is not None, "NOT_COMMITTED")
            require(place.verdict is None, "ALREADY_REVEALED")
            said = (each.verdict, each.ground, each.index, each.evidence)
            of = self.round_id(job_id, each.task, cell.attempt, live.number)
            require(
                place.sealed == verdict_commitment(of, each.seat, *said, each.salt), "COMMITMENT_MISMATCH"
            )
            rejects = each.verdict is Verdict.REJECT
            require(rejects == (each.ground is not Ground.NONE), "BAD_GROUND")
            require(rejects or each.index == 0, "BAD_GROUND")
            charge = Charge(each.ground, each.index) if rejects else None
            opened = live.with_place(each.seat, replace(place, verdict=each.verdict, charge=charge))
            self.keep(job_id, each.task, cell.with_live(replace(opened, opened_block=self.block)))
            data = (self.caller, cell.attempt, live.number, each.seat)
            self.emit(port.VerdictRevealed, job_id, each.task, *data, *said)

    def _draw(self, job_id: int, task: int, cell: Cell, status: Status) -> Round:
        terms, round_ = self.job(job_id).terms, status.round
        assert cell.result is not None
        of = self.round_id(job_id, task, cell.attempt, round_)
        seed = audit_seed(of, cell.result, self.chain.hash_of(status.seed_block))
        if round_ == 0 and not is_audited(seed, terms.audit_rate_bps):
            return Round(round_, status.seed_block, seed, self.block, audited=False)
        slots = self._terms_of_draw(job_id, cell, round_).committee(seed, self.books)
        places = tuple(map(Place, slots))
        return Round(round_, status.seed_block, seed, self.block, audited=True, places=places)

    def _terms_of_draw(self, job_id: int, cell: Cell, round_: int) -> Draw:
        """Whoever sat in the round before is left out, beside the requester and the worker: a redraw
        and an appeal ask others."""
        job, appeal = self.job(job_id), round_ == APPEAL_ROUND
        assert cell.worker is not None
        sat = slots_of(cell.round.places) if cell.round is not None else ()
        held = voting_blocks(job.terms) if appeal else answerable_blocks(job.terms)
        return Draw(
            size=committee_size(job.terms, appeal),
            slots_at_claim=cell.slots_at_claim,
            claim_block=cell.claim_block,
            least_bond=least_bond(job.terms),
            held_until=self.block + held,
            excluded=owners(self.books, sat) | {job.requester, cell.worker},
        )

    def _own_place(self, cell: Cell, index: int) -> tuple[Round, Place]:
        live = cell.live
        assert live is not None
        require(index < len(live.places), "NOT_YOUR_SEAT")
        place = live.places[index]
        require(not place.is_empty and self.seat(place.slot).owner == self.caller, "NOT_YOUR_SEAT")
        return live, place
