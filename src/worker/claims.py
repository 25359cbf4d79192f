"""A worker's memory of its claims, one journal record each, from before the claim is sent until
its result may be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from ..domain.cid import Cid, parse_cid
from ..domain.log_context import working_on
from ..ports.journal import Journal

KIND = "claim"


class Stage(Enum):
    """How far a claim has come; each is written before the step that follows it."""

    CLAIMING = "claiming"  # the claim may or may not have reached the ledger
    CLAIMED = "claimed"
    SUBMITTING = "submitting"  # pinned; the submission may or may not have reached the ledger
    SUBMITTED = "submitted"
    FINAL = "final"  # decided; only pins are left to drop


class Plea(Enum):
    """How far an appeal of this worker's own has come; each is written before the step that
    follows it."""

    NONE = "none"  # no verdict against it, or its own bytes are not looked into yet
    DUE = "due"  # its bytes are right; the appeal may or may not have reached the ledger
    RAISED = "raised"
    DROPPED = "dropped"  # not to be raised; why was said


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of one task. ``pins`` are the CIDs that this claim pinned and must unpin."""

    job_id: int
    task: int
    attempt: int
    stage: Stage
    result: Cid | None = None
    pins: tuple[Cid, ...] = ()
    final_block: int = 0
    plea: Plea = Plea.NONE

    @property
    def key(self) -> str:
        return f"{self.job_id}-{self.task}-{self.attempt}"

    def logged(self) -> AbstractContextManager[None]:
        """Names this claim in every line that is logged inside the block."""
        return working_on(self.job_id, self.task, self.attempt)

    def folder(self, home: Path) -> Path:
        """Where this claim's own files lie below the worker's."""
        return home / "claims" / self.key


class Claims:
    """All claims, kept in the journal and nowhere else."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def begun(self, job_id: int, task: int, attempt: int) -> Claim:
        """A claim that is about to be sent. One of the same attempt that a reorganisation undid
        leaves its pins to it."""
        claim = Claim(job_id, task, attempt, Stage.CLAIMING)
        undone = self.get(claim.key)
        return claim if undone is None else replace(claim, pins=undone.pins)

    def put(self, claim: Claim) -> None:
        self._journal.put(
            KIND,
            claim.key,
            {
                "job_id": claim.job_id,
                "task": claim.task,
                "attempt": claim.attempt,
                "stage": claim.stage.value,
                "result": str(claim.result) if claim.result is not None else "",
                "pins": [str(cid) for cid in claim.pins],
                "final_block": claim.final_block,
                "plea": claim.plea.value,
            },
        )

    def move(self, claim: Claim, stage: Stage, **changes: object) -> Claim:
        """The claim at its next stage, written down."""
        moved = replace(claim, stage=stage, **changes)  # type: ignore[arg-type]
        self.put(moved)
        return moved

    def forget(self, claim: Claim) -> None:
        self._journal.remove(KIND, claim.key)

    def get(self, key: str) -> Claim | None:
        record = self._journal.get(KIND, key)
        return None if record is None else _read(record)

    def every(self) -> tuple[Claim, ...]:
        return tuple(_read(record) for record in self._journal.all(KIND).values())


def _read(record: Mapping[str, object]) -> Claim:
    pins = record["pins"]
    if not isinstance(pins, list):
        raise ValueError("a claim's record without its pins")
    return Claim(
        job_id=int(str(record["job_id"])),
        task=int(str(record["task"])),
        attempt=int(str(record["attempt"])),
        stage=Stage(str(record["stage"])),
        result=parse_cid(str(record["result"])) if record["result"] else None,
        pins=tuple(parse_cid(str(cid)) for cid in pins),
        final_block=int(str(record["final_block"])),
        plea=Plea(str(record.get("plea", Plea.NONE.value))),  # a record of an earlier version has none
    )
