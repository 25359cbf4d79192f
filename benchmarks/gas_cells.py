"""The registry's storage cells by name, and why each is worth its price. Pure.

A cell that a job is the first to write costs 462k L2 gas, so each that a task makes is listed here
with its reason; one that is not listed shows up without a name, and the benchmark fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from starknet_py.hash.storage import get_storage_var_address


class Per(Enum):
    """What there is one cell of, and what its key in the contract's map is made of."""

    JOB = "job"
    TASK = "task"
    PLACE = "place in a committee"
    APPEAL_PART = "seven places in an appeal's committee"
    APPEAL_PLACE = "place in an appeal's committee"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Kind:
    """``offset`` counts from the map entry's first cell."""

    variable: str
    offset: int
    per: Per
    name: str
    why: str


KINDS = (
    *(
        Kind("jobs", at, Per.JOB, name, why)
        for at, (name, why) in enumerate(
            [
                ("job.requester", "who may pause and close it and gets the refunds"),
                ("job.manifest, low", "the manifest's digest, 256 bits: more than a felt holds"),
                ("job.manifest, high", "the manifest's digest, 256 bits: more than a felt holds"),
                ("job.terms, reward and windows", "every rule reads them"),
                ("job.terms, fee and deadline", "every rule reads them"),
                ("job.terms, bond", "every rule reads them"),
                ("job.progress", "task count, what is paid and refunded, paused, closed"),
            ]
        )
    ),
    Kind("tasks", 0, Per.TASK, "task.record", "kind, attempt, lease, blocks, round: all of a task's state"),
    Kind("tasks", 1, Per.TASK, "task.worker", "a 251-bit address: who may submit and is paid"),
    Kind("tasks", 2, Per.TASK, "task.result, low", "the result's digest, 256 bits: more than a felt holds"),
    Kind("tasks", 3, Per.TASK, "task.result, high", "the rest of the digest, and its codec"),
    Kind("Audits_slots", 0, Per.TASK, "audit.slots", "the committee, up to seven slots of 32 bits"),
    Kind("Audits_votes", 0, Per.TASK, "audit.votes", "what every place has said, and when the last did"),
    Kind(
        "Audits_sealed", 0, Per.PLACE, "audit.sealed", "a place's commitment, a whole felt, until it reveals"
    ),
    Kind("tasks", 4, Per.TASK, "task.appeal", "what is asked, against what, and when"),
    Kind("Audits_appeal_slots", 0, Per.APPEAL_PART, "appeal.slots", "its committee: the first one's is kept"),
    Kind("Audits_appeal_votes", 0, Per.TASK, "appeal.votes", "what every place of it has said, and when"),
    Kind("Audits_sealed", 0, Per.APPEAL_PLACE, "appeal.sealed", "as audit.sealed, of the appeal's places"),
    Kind(
        "Escrow_accounts", 0, Per.ACCOUNT, "account", "withdrawable and bonds; written once per account ever"
    ),
    Kind(
        "Escrow_appeal_bonds", 0, Per.ACCOUNT, "account.appeals", "the bonds; written anew when none was left"
    ),
)
APPEAL_PLACES = 16
"""Where the contract puts the sealed verdicts of an appeal's places, behind the committee's."""
SLOTS_PER_CELL = 7
UNNAMED = Kind("", 0, Per.JOB, "NOT NAMED", "name it in benchmarks/gas_cells.py")
_TOKEN_CELL = Kind("", 0, Per.ACCOUNT, "token", "a balance of the ERC-20; written once per account ever")


@dataclass(frozen=True, slots=True)
class Cell:
    contract: int
    key: int


@dataclass(frozen=True, slots=True)
class CellCount:
    """How many cells of a kind a call of the job made."""

    name: str
    call: str
    count: int
    why: str


@dataclass(frozen=True, slots=True)
class Names:
    """The kinds of every cell that a job of this many tasks can touch."""

    registry: int
    kinds: dict[int, Kind]

    @classmethod
    def of_job(
        cls, registry: int, job_id: int, *, tasks: int, committee: int, accounts: Sequence[int]
    ) -> Names:
        appeals = 2 * committee + 1

        def keys(per: Per) -> Iterable[tuple[int, ...]]:
            match per:
                case Per.JOB:
                    return [(job_id,)]
                case Per.TASK:
                    return [(job_id, task) for task in range(tasks)]
                case Per.PLACE:
                    return [(job_id, task, place) for task in range(tasks) for place in range(committee)]
                case Per.APPEAL_PART:
                    parts = range(-(-appeals // SLOTS_PER_CELL))
                    return [(job_id, task, part) for task in range(tasks) for part in parts]
                case Per.APPEAL_PLACE:
                    places = range(APPEAL_PLACES, APPEAL_PLACES + appeals)
                    return [(job_id, task, place) for task in range(tasks) for place in places]
                case Per.ACCOUNT:
                    return [(account,) for account in accounts]

        return cls(
            registry,
            {
                get_storage_var_address(kind.variable, *key) + kind.offset: kind
                for kind in KINDS
                for key in keys(kind.per)
            },
        )

    def kind_of(self, cell: Cell) -> Kind:
        return self.kinds.get(cell.key, UNNAMED) if cell.contract == self.registry else _TOKEN_CELL


def count_cells(made: Iterable[tuple[str, Cell]], names: Names) -> list[CellCount]:
    """(call, new cell) pairs, counted by call in the order in which they came and by kind as listed
    here: a state diff has no order of its own."""
    counts: dict[str, dict[Kind, int]] = {}
    for call, cell in made:
        of_call, kind = counts.setdefault(call, {}), names.kind_of(cell)
        of_call[kind] = of_call.get(kind, 0) + 1
    listed = (*KINDS, _TOKEN_CELL, UNNAMED)
    return [
        CellCount(kind.name, call, of_call[kind], kind.why)
        for call, of_call in counts.items()
        for kind in sorted(of_call, key=listed.index)
    ]
