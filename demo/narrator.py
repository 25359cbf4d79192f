"""Turns what the ledger and the roles' logs report into one line per hop.

The narrator only watches: it reads contract events through the same ledger port as everyone
and the log lines that each process writes. Two sources tell of one task, so an event whose
hop before it is known from a log only waits for that line: hops are told in order per task.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from tileproof.domain.frames import format_frames
from tileproof.domain.hops import Hop
from tileproof.domain.job import NO_SEAT, Address, Job, Outcome, Task, TaskState, Verdict
from tileproof.domain.manifest import Manifest
from tileproof.domain.sampling import sample_tiles
from tileproof.ports.ledger import (
    ClaimGivenBack,
    ClaimLapsed,
    Event,
    JobCreated,
    LedgerReader,
    ResultSubmitted,
    TaskClaimed,
    TaskDrawn,
    TaskEvent,
    TaskSettled,
    VerdictCommitted,
    VerdictRevealed,
)

_LINE = re.compile(r"hop=(\d+) (\S+)(.*)")
_SANDBOX = re.compile(rb"sandbox=(\S+)")
_FIELD = re.compile(r"(\w+)=(\"[^\"]*\"|\S+)")
_FROM_LOGS = (Hop.FETCHED, Hop.RENDERED, Hop.DELIVERED, Hop.AUDITED)
_CALLS = {
    JobCreated: "create_job",
    TaskClaimed: "claim",
    ResultSubmitted: "submit",
    TaskDrawn: "draw",
    VerdictCommitted: "commit",
    VerdictRevealed: "reveal",
    TaskSettled: "settle",
}
"""The contract's call that makes each event."""
_LOOKS_TO_WAIT = 6
"""An event is told without its log line after so many looks: its process may have died."""

_STATES = {
    TaskState.OPEN: "waits for a worker",
    TaskState.CLAIMED: "is rendered by",
    TaskState.LAPSED: "lapsed, waits for a worker",
    TaskState.SUBMITTED: "handed in by",
    TaskState.DRAWABLE: "is about to be drawn",
    TaskState.COMMITTING: "is audited",
    TaskState.REVEALING: "is judged",
    TaskState.PROVISIONAL: "is judged, window open",
    TaskState.APPEALED: "is appealed",
    TaskState.SETTLEABLE: "is about to be settled",
}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One hop as a role logged it."""

    who: str
    hop: Hop
    fields: Mapping[str, str]


@dataclass
class LogFollower:
    """Reads what was appended to the roles' logs since the last look."""

    logs: Mapping[str, Path]
    _at: dict[str, int] = field(default_factory=dict)

    def skip_to_end(self) -> None:
        for who, path in self.logs.items():
            self._at[who] = path.stat().st_size if path.exists() else 0

    def sandbox_of(self, who: str) -> str:
        """What this role said at its last start that Blender runs in."""
        said = _SANDBOX.findall(self.logs[who].read_bytes())
        return said[-1].decode() if said else "a sandbox it did not name"

    def new_lines(self) -> list[LogLine]:
        found = []
        for who, path in self.logs.items():
            if not path.exists():
                continue
            with path.open("rb") as file:
                file.seek(self._at.get(who, 0))
                data = file.read()
            whole, _, rest = data.rpartition(b"\n")
            self._at[who] = self._at.get(who, 0) + len(data) - len(rest)
            for text in whole.decode(errors="replace").splitlines():
                match = _LINE.search(text)
                if match is not None and int(match[1]) in _FROM_LOGS:
                    fields = {name: value.strip('"') for name, value in _FIELD.findall(match[3])}
                    found.append(LogLine(who, Hop(int(match[1])), fields))
        return found


@dataclass
class Narrator:
    """Tells one job's story, from its escrow to its last settlement."""

    console: Console
    ledger: LedgerReader
    names: Mapping[Address, str]
    slots: Mapping[int, str]
    logs: LogFollower
    job: Job
    manifest: Manifest
    cursor: int
    finished: set[int] = field(default_factory=set)
    rejections: dict[int, str] = field(default_factory=dict)
    """The report's CID for every task that was ever rejected."""
    calls: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Transactions that did something to this job, by the contract's call."""
    _waiting: list[tuple[int, Event]] = field(default_factory=list)
    """Events not told yet, each with the looks it has waited."""
    _logged: Counter[tuple[Hop, int]] = field(default_factory=Counter)
    _told: Counter[tuple[Hop, int]] = field(default_factory=Counter)

    @property
    def job_id(self) -> int:
        return self.job.job_id

    def tell_news(self) -> None:
        """Prints every hop reached since the last call."""
        page = self.ledger.events(self.cursor, job_id=self.job_id)
        self.cursor = page.cursor
        for event in page.events:
            if type(event) in _CALLS:
                self.calls[_CALLS[type(event)]].add(event.tx_hash)
        waiting = [*self._waiting, *((0, event) for event in page.events)]
        lines = [line for line in self.logs.new_lines() if line.fields.get("job") == str(self.job_id)]
        told = [self._of_log(line) for line in lines]
        self._waiting = []
        held: set[int] = set()
        for looks, event in waiting:
            task = event.task if isinstance(event, TaskEvent) else None
            if task is not None and (task in held or (looks < _LOOKS_TO_WAIT and self._lacks_its_log(event))):
                held.add(task)
                self._waiting.append((looks + 1, event))
            else:
                told += self._of_event(event)
        for hop, text in sorted(told, key=lambda each: each[0]):
            self.say(hop, text)

    def still_to_come(self, tasks: Sequence[Task]) -> str:
        """Where every task stands, in a few words."""
        parts = []
        for task in tasks:
            words = _STATES.get(task.state)
            if words is not None:
                who = f" {self._name(task.worker)}" if words.endswith(" by") and task.worker else ""
                parts.append(f"{self.what(task.task)} {words}{who}")
        return " · ".join(parts)

    def say(self, hop: Hop, text: str) -> None:
        self.console.print(
            f"  [cyan]{hop:>2}[/] [bold]{hop.name.lower():<10}[/] {escape(text)}", highlight=False
        )

    def say_more(self, text: str) -> None:
        self.console.print(f"                {escape(text)}", style="dim", highlight=False)

    def what(self, task: int) -> str:
        spec = self.manifest.tasks[task]
        regions = self.manifest.split_columns * self.manifest.split_rows
        if regions > 1:
            return f"region {task % regions + 1}/{regions}"
        return f"frame{'s' if len(spec.frames) > 1 else ''} {format_frames(spec.frames)}"

    def _lacks_its_log(self, event: Event) -> bool:
        """Whether the hop that led to this event is still to be read from a log."""
        match event:
            case ResultSubmitted():
                before, after = Hop.DELIVERED, Hop.SUBMITTED
            case VerdictRevealed():
                before, after = Hop.AUDITED, Hop.JUDGED
            case _:
                return False
        return self._logged[before, event.task] <= self._told[after, event.task]

    def _of_log(self, line: LogLine) -> tuple[Hop, str]:
        """Every log line told here names a task of the job."""
        fields = line.fields
        task = int(fields["task"])
        what = self.what(task)
        self._logged[line.hop, task] += 1
        match line.hop:
            case Hop.FETCHED:
                text = f"the scene for {what} by {line.who}, every file equal to the manifest"
            case Hop.RENDERED:
                what = f"frame {fields['frame']}" if len(self.manifest.tasks[task].frames) > 1 else what
                sandbox = self.logs.sandbox_of(line.who)
                text = f"{what} by {line.who} in {float(fields['seconds']):.1f} s, inside {sandbox}"
            case Hop.DELIVERED:
                text = f"{what} by {line.who}   result {_short(fields['cid'])}"
            case _:
                text = f"{what} by {line.who}: {_score(fields)}"
        return line.hop, text

    def _of_event(self, event: Event) -> Sequence[tuple[Hop, str]]:
        told = self._words_of_event(event)
        if isinstance(event, TaskEvent):
            for hop, _ in told:
                self._told[hop, event.task] += 1
        return told

    def _words_of_event(self, event: Event) -> Sequence[tuple[Hop, str]]:
        match event:
            case TaskClaimed():
                bond = self.job.terms.worker_bond
                who = f"{self.what(event.task)} by {self._name(event.worker)}, bond {bond}"
                return [(Hop.CLAIMED, f"{who}   tx {_tx(event)}")]
            case ClaimLapsed() | ClaimGivenBack():
                return [(Hop.CLAIMED, f"{self.what(event.task)} open again, {event.forfeited} forfeited")]
            case ResultSubmitted():
                who = f"{self.what(event.task)} by {self._name(event.worker)}"
                return [(Hop.SUBMITTED, f"{who}   tx {_tx(event)}")]
            case TaskDrawn():
                return [(Hop.DRAWN, self._drawn(event))]
            case VerdictRevealed():
                if event.verdict is Verdict.REJECT:
                    self.rejections[event.task] = str(event.evidence)
                verdict = f"{self.what(event.task)} {event.verdict.value.lower()}"
                seats = self.job.terms.committee_size
                return [
                    (
                        Hop.JUDGED,
                        f"{verdict} by {self._name(event.verifier)}, seat {event.seat + 1} of {seats}   "
                        f"report {_short(str(event.evidence))}",
                    )
                ]
            case TaskSettled():
                return [(Hop.SETTLED, self._settled(event))]
        return []

    def _drawn(self, event: TaskDrawn) -> str:
        if not event.audited:
            return f"{self.what(event.task)}: no audit this time"
        seats = ", ".join(self.slots.get(s, f"seat {s}") for s in event.seats if s != NO_SEAT)
        tiles = sample_tiles(event.audit_seed, self.manifest, event.task)
        some = " ".join(f"({each.tile.x0},{each.tile.y0})" for each in tiles[:3])
        return (
            f"{self.what(event.task)}: {seats}   seed {_short(hex(event.audit_seed))} -> "
            f"{len(tiles)} tiles {some} …"
        )

    def _settled(self, event: TaskSettled) -> str:
        what, who = self.what(event.task), self._name(event.worker)
        if event.outcome in (Outcome.ACCEPTED, Outcome.NOT_DRAWN):
            self.finished.add(event.task)
            return f"{what} paid   {who} +{event.paid_to_worker}"
        bond = self.job.terms.worker_bond
        return f"{what} {event.outcome.value.lower()}   {who} -{bond}, its bond; the task is open again"

    def _name(self, account: Address) -> str:
        return self.names.get(account, account.short())


def _score(fields: Mapping[str, str]) -> str:
    """What an audit saw, as its log line says it."""
    equal, of = fields["equal"].split("/")
    text = f"{equal} of {of} tiles equal to the last bit, pHash distance {fields['phash']} of 64"
    if fields["verdict"] == "reject":
        text += f", worst tile {fields['worst_psnr_db']} dB"
    return text


def _short(text: str) -> str:
    return f"{text[:6]}…{text[-4:]}" if len(text) > 12 else text


def _tx(event: Event) -> str:
    return _short(hex(event.tx_hash))
