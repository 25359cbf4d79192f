"""Events followed by a cursor that outlives the process: none missed, none of a chain that is gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from ..ports.journal import Journal, Record
from ..ports.ledger import EventPage, LedgerReader
from ..ports.trail import Trail

_PLACE = ("cursor", "events")


class EventFollower:
    """One reader's place among the ledger's events, kept in its journal.

    A page is taken in and then kept: whoever is killed in between is given it again, so what is
    made of a page must come out the same when it is taken in twice. A follower that does, and
    that on ``page.rewound_to`` forgets what came of that block and later ones, ends with what a
    follower that begins anew would have. That holds too where the chain changes after a kill: what
    is handed out is written down before, because some of it may have been taken in.
    """

    def __init__(self, ledger: LedgerReader, journal: Journal) -> None:
        self._ledger, self._journal = ledger, journal

    def news(self) -> EventPage:
        """What happened since the last page that was kept, by this process or an earlier one.
        Raises as ``LedgerReader.events``."""
        record = self._journal.get(*_PLACE) or {}
        kept = _Page.from_record(record)
        begun = _Page.from_record(record["begun"]) if "begun" in record else None
        first = kept.cursor if begun is None else min(kept.cursor, begun.first)
        page = self._ledger.events(first, trail=kept.trail)
        if begun is not None and page.rewound_to is None and begun.is_undone_by(page, kept.cursor):
            page = replace(page, rewound_to=first)
        if page.events or page.rewound_to is not None:
            at = first if page.rewound_to is None else page.rewound_to
            begins = _Page(page.cursor, page.trail or Trail(), at).as_record()
            self._journal.put(*_PLACE, {**kept.as_record(), "begun": begins})
        return page

    def keep(self, page: EventPage) -> None:
        """The page was taken in: the next ``news`` begins behind it."""
        record = _Page(page.cursor, page.trail or Trail()).as_record()
        if record != self._journal.get(*_PLACE):
            self._journal.put(*_PLACE, record)


@dataclass(frozen=True, slots=True)
class _Page:
    """What is remembered of a page: where it began and ended, and its trail."""

    cursor: int
    trail: Trail
    first: int = 0

    def is_undone_by(self, page: EventPage, kept: int) -> bool:
        """Whether what was handed out, and perhaps taken in, is other than what is told now."""
        if self.first < kept:  # it told of a reorganisation itself
            return True
        return self.trail.parts_at(page.events, first=self.first, cursor=self.cursor) is not None

    def as_record(self) -> dict[str, object]:
        return {"block": self.cursor, "trail": self.trail.as_record(), "first": self.first}

    @staticmethod
    def from_record(record: object) -> _Page:
        known = cast("Record", record)
        trail = known.get("trail")  # a place that an earlier version kept has none
        return _Page(
            int(str(known.get("block", 0))),
            Trail() if trail is None else Trail.from_record(trail),
            int(str(known.get("first", 0))),
        )
