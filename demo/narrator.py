"""Turns what the ledger and the roles' logs report into one line per hop.

The narrator only watches: it reads contract events through the same ledger port as everyone
and the log lines that each process writes. What several tasks reach at the same moment is
told in one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from tileproof.domain.hops import Hop
from tileproof.domain.job import NO_SEAT, Address, Outcome, Verdict
from tileproof.domain.manifest import Manifest
from tileproof.domain.sampling import sample_tiles
from tileproof.ports.ledger import (
    ClaimGivenBack,
    ClaimLapsed,
    Event,
    LedgerReader,
    ResultSubmitted,
    TaskClaimed,
    TaskDrawn,
    TaskSettled,
    VerdictRevealed,
)

_LINE = re.compile(r"hop=(\d+) (\S+)(.*)")
_FIELD = re.compile(r"(\w+)=(\"[^\"]*\"|\S+)")
_FROM_LOGS = (Hop.FETCHED, Hop.RENDERED, Hop.DELIVERED, Hop.AUDITED)


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
    job_id: int
    manifest: Manifest
    cursor: int
    finished: set[int] = field(default_factory=set)
    rejections: dict[int, str] = field(default_factory=dict)
    """The report's CID for every task that was ever rejected."""

    def tell_news(self) -> None:
        """Prints every hop reached since the last call."""
        spoken: dict[tuple[Hop, str], list[str]] = {}

        def add(hop: Hop, rest: str, what: str) -> None:
            spoken.setdefault((hop, rest), []).append(what)

        for line in self.logs.new_lines():
            if line.fields.get("job") == str(self.job_id):
                self._tell_log(line, add)
        page = self.ledger.events(self.cursor, job_id=self.job_id)
        self.cursor = page.cursor
        for event in page.events:
            self._tell_event(event, add)
        for (hop, rest), whats in sorted(spoken.items(), key=lambda item: item[0][0]):
            self.say(hop, f"{', '.join(dict.fromkeys(whats))}{rest}")

    def say(self, hop: Hop, text: str) -> None:
        self.console.print(
            f"  [cyan]{hop:>2}[/] [bold]{hop.name.lower():<10}[/] {escape(text)}", highlight=False
        )

    def say_more(self, text: str) -> None:
        self.console.print(f"                {escape(text)}", style="dim", highlight=False)

    def what(self, task: int) -> str:
        spec = self.manifest.tasks[task]
        frames = "+".join(str(frame) for frame in spec.frames)
        if self.manifest.split_columns * self.manifest.split_rows > 1:
            return f"frame {frames} region {spec.region}"
        return f"frame {frames}"

    def _tell_log(self, line: LogLine, add: Callable[[Hop, str, str], None]) -> None:
        task = line.fields.get("task")
        what = self.what(int(task)) if task is not None and task.isdigit() else "scene"
        seconds = line.fields.get("seconds")
        match line.hop:
            case Hop.FETCHED:
                add(line.hop, f" by {line.who}, every file equal to the manifest", "scene")
            case Hop.RENDERED:
                add(line.hop, f" by {line.who}", f"{what}{f' in {float(seconds):.1f} s' if seconds else ''}")
            case Hop.DELIVERED:
                add(line.hop, f" by {line.who}", f"{what} as {_short(line.fields.get('cid', ''))}")
            case Hop.AUDITED:
                score = line.fields.get("equal")
                tiles = f": {score.replace('/', ' of ')} tiles equal to the last bit" if score else ""
                worst = line.fields.get("worst_psnr_db")
                against = f", worst {worst} dB" if worst and line.fields.get("verdict") == "reject" else ""
                phash = line.fields.get("phash")
                hashes = f", pHash distance at most {phash}" if phash else ""
                add(line.hop, f" by {line.who}", f"{what}{tiles}{against}{hashes}")

    def _tell_event(self, event: Event, add: Callable[[Hop, str, str], None]) -> None:
        match event:
            case TaskClaimed():
                add(Hop.CLAIMED, f" by {self._name(event.worker)}   tx {_tx(event)}", self.what(event.task))
            case ClaimLapsed() | ClaimGivenBack():
                add(Hop.CLAIMED, f"   {event.forfeited} forfeited", f"{self.what(event.task)} open again")
            case ResultSubmitted():
                add(Hop.SUBMITTED, f" by {self._name(event.worker)}   tx {_tx(event)}", self.what(event.task))
            case TaskDrawn(audited=True):
                seats = ", ".join(self.slots.get(s, f"seat {s}") for s in event.seats if s != NO_SEAT)
                tiles = sample_tiles(event.audit_seed, self.manifest, event.task)
                some = " ".join(f"({t.tile.x0},{t.tile.y0})" for t in tiles[:3])
                add(
                    Hop.DRAWN,
                    "",
                    f"{self.what(event.task)}: {seats}; seed {_short(hex(event.audit_seed))}; "
                    f"{len(tiles)} tiles {some} …",
                )
            case TaskDrawn():
                add(Hop.DRAWN, "", f"{self.what(event.task)}: no audit this time")
            case VerdictRevealed():
                if event.verdict is Verdict.REJECT:
                    self.rejections[event.task] = str(event.evidence)
                add(
                    Hop.JUDGED,
                    f"   report {_short(str(event.evidence))}",
                    f"{self.what(event.task)}: {event.verdict.value.lower()} by {self._name(event.verifier)}",
                )
            case TaskSettled():
                self._tell_settled(event, add)

    def _tell_settled(self, event: TaskSettled, add: Callable[[Hop, str, str], None]) -> None:
        who = self._name(event.worker)
        if event.outcome in (Outcome.ACCEPTED, Outcome.NOT_DRAWN):
            self.finished.add(event.task)
            add(Hop.SETTLED, f"   {who} +{event.paid_to_worker}", f"{self.what(event.task)} paid")
        else:
            add(
                Hop.SETTLED,
                f"   {who} loses its bond",
                f"{self.what(event.task)} {event.outcome.value.lower()}, open again",
            )

    def _name(self, account: Address) -> str:
        return self.names.get(account, account.short())


def _short(text: str) -> str:
    return f"{text[:6]}…{text[-4:]}" if len(text) > 12 else text


def _tx(event: Event) -> str:
    return _short(hex(event.tx_hash))
