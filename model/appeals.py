"""An appeal: once, by the hurt party, while the provisional verdict's window runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tileproof.domain.job import Appeal, TaskState
from tileproof.domain.money import Fri
from tileproof.ports import ledger as port

from .books import AppealRecord
from .checks import check_question, require
from .money import add
from .rounds import Rounds
from .status import decision


class Appeals(Rounds):
    def appeal(self, job_id: int, appeals: Sequence[Appeal]) -> None:
        batch, job = self.batch(appeals), self.job(job_id)
        bond = job.terms.appeal_bond.units
        for each in batch:
            cell, status = self.find(job_id, each.task)
            require(status.state is TaskState.PROVISIONAL, "NOT_PROVISIONAL")
            against = status.outcome
            hurt = (cell.worker,) if against.hurts_worker else ()
            hurt = (job.requester,) if against.pays_worker else hurt
            require(self.caller in hurt, "NOT_APPELLANT")
            assert cell.round is not None
            check_question(each, against, decision(cell.round.places).charge)
            record = AppealRecord(self.caller, against, each.question, each.position, each.tile, self.block)
            self.keep(job_id, each.task, replace(cell, appeal=record))
            data = (self.caller, cell.attempt, against, each.question, each.position, each.tile)
            self.emit(port.AppealRaised, job_id, each.task, *data, Fri(bond), record.seed_block)
        self.debit(self.caller, bond * len(batch))
        add(self.books.appeal_bonds, self.caller, bond * len(batch))
