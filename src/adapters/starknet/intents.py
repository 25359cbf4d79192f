"""What a sender writes down: each transaction before it is sent, and what a day has cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...domain.money import ZERO, Fri
from ...ports.journal import Journal

INTENT, SPENT = "ledger.intent", "ledger.fees"


@dataclass(frozen=True, slots=True)
class Intent:
    """One signed transaction. Its nonce is used once, so that of all intents with one nonce at
    most one ever takes effect.

    ``key`` is the caller's own name for what is to happen; such an intent stays when it has
    ``landed`` in a block, until the caller has taken note of that.
    """

    tx_hash: int
    what: str
    nonce: int
    key: str | None = None
    landed: bool = False


class Intents:
    """In the journal and nowhere else; durable when a method returns."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def put(self, intent: Intent) -> None:
        record: dict[str, object] = {"what": intent.what, "nonce": intent.nonce}
        if intent.key is not None:
            record |= {"key": intent.key, "landed": intent.landed}
        self._journal.put(INTENT, hex(intent.tx_hash), record)

    def remove(self, intent: Intent) -> None:
        self._journal.remove(INTENT, hex(intent.tx_hash))

    def open(self) -> list[Intent]:
        """Those whose outcome is not known, in the order in which they were written."""
        return [intent for intent in self._every() if not intent.landed]

    def of(self, key: str) -> list[Intent]:
        return [intent for intent in self._every() if intent.key == key]

    def landed(self, intent: Intent, fee: Fri, day: str) -> None:
        """The intent is in a block. Killed half way, this counts its fee twice rather than never."""
        if not intent.landed:
            self._journal.put(SPENT, day, {"fri": str((self.spent(day) + fee).units)})
        if intent.key is None:
            self.remove(intent)
        else:
            self.put(replace(intent, landed=True))

    def spent(self, day: str) -> Fri:
        """What the day's transactions have cost."""
        record = self._journal.get(SPENT, day)
        return ZERO if record is None else Fri(int(str(record["fri"])))

    def _every(self) -> list[Intent]:
        return [_read(tx_hash, record) for tx_hash, record in self._journal.all(INTENT).items()]


def _read(tx_hash: str, record: Mapping[str, object]) -> Intent:
    key = record.get("key")
    return Intent(
        tx_hash=int(tx_hash, 16),
        what=str(record["what"]),
        nonce=int(str(record["nonce"])),
        key=None if key is None else str(key),
        landed=record.get("landed") is True,
    )
