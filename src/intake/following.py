"""Events followed by a cursor that outlives the process: none missed, none of a chain that is gone."""

from __future__ import annotations

from ..ports.journal import Journal
from ..ports.ledger import EventPage, LedgerReader
from ..ports.trail import Trail

_PLACE = ("cursor", "events")


class EventFollower:
    """One reader's place among the ledger's events, kept in its journal.

    A page is taken in and then kept: whoever is killed in between is given it again, so what is
    made of a page must come out the same when it is taken in twice. A follower that does, and
    that on ``page.rewound_to`` forgets what came of that block and later ones, ends with what a
    follower that begins anew would have.
    """

    def __init__(self, ledger: LedgerReader, journal: Journal) -> None:
        self._ledger, self._journal = ledger, journal

    def news(self) -> EventPage:
        """What happened since the last page that was kept, by this process or an earlier one.
        Raises as ``LedgerReader.events``."""
        record = self._journal.get(*_PLACE) or {}
        kept = record.get("trail")  # a place that an earlier version kept has none
        trail = Trail() if kept is None else Trail.from_record(kept)
        return self._ledger.events(int(str(record.get("block", 0))), trail=trail)

    def keep(self, page: EventPage) -> None:
        """The page was taken in: the next ``news`` begins behind it."""
        trail = page.trail or Trail()
        record = {"block": page.cursor, "trail": trail.as_record()}
        if record != self._journal.get(*_PLACE):
            self._journal.put(*_PLACE, record)
