"""What a follower of events remembers, so that it notices when blocks it read are gone.

A block hash that commits to its parent would be enough, and a chain with state roots has one. A
devnet's hash says nothing of what lies below it, so there the events themselves are compared.
Everything here is pure; a reader of a chain uses it, and a follower only keeps what it is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, TypedDict, cast

if TYPE_CHECKING:
    from .ledger import Event

REORG_WINDOW_BLOCKS = 1_800
"""How many blocks a chain may take back and still be followed: Starknet has gone back by 18 to 60
minutes."""
_DIGEST_BYTES = 8


class _Record(TypedDict):
    last: tuple[int, str] | None
    events: dict[str, str]


def digest_of(*parts: object) -> int:
    """64 bits that tell these values from others; not meant to withstand somebody who searches."""
    text = "\n".join(map(repr, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:_DIGEST_BYTES], "big")


@dataclass(frozen=True, slots=True)
class BlockMark:
    """A block as a reader saw it: ``digest`` is over its hash, parent, time and transactions."""

    block: int
    digest: int


@dataclass(frozen=True, slots=True)
class Trail:
    """What was read of the last ``REORG_WINDOW_BLOCKS`` before a cursor. ``last`` is the block
    right before the cursor, ``events`` has a digest for every block with events in it."""

    last: BlockMark | None = None
    events: Mapping[int, int] = field(default_factory=dict)

    def parts_at(self, events: Sequence[Event], *, first: int, cursor: int) -> int | None:
        """The first block of [first, cursor) whose events are now others than they were; None
        when all are the same. ``events`` may reach beyond the cursor."""
        now = {block: d for block, d in _digests(events).items() if block < cursor}
        then = {block: d for block, d in self.events.items() if first <= block < cursor}
        differing = [block for block in now.keys() | then.keys() if now.get(block) != then.get(block)]
        return min(differing, default=None)

    def extended(self, events: Sequence[Event], *, since: int, last: BlockMark) -> Trail:
        """The trail after a page: what was known of blocks before ``since``, and its events."""
        oldest = last.block + 1 - REORG_WINDOW_BLOCKS
        known = {block: digest for block, digest in self.events.items() if block < since} | _digests(events)
        return Trail(last, {block: known[block] for block in sorted(known) if block >= oldest})

    def as_record(self) -> dict[str, object]:
        """JSON-like, for a journal."""
        last = None if self.last is None else [self.last.block, f"{self.last.digest:x}"]
        return {"last": last, "events": {str(block): f"{digest:x}" for block, digest in self.events.items()}}

    @staticmethod
    def from_record(record: object) -> Trail:
        """What ``as_record`` made."""
        kept = cast("_Record", record)
        last, events = kept["last"], kept["events"]
        mark = None if last is None else BlockMark(int(last[0]), int(last[1], 16))
        return Trail(mark, {int(block): int(digest, 16) for block, digest in events.items()})


def _digests(events: Sequence[Event]) -> dict[int, int]:
    """A digest of each block's events; they come in ledger order."""
    return {block: digest_of(*each) for block, each in groupby(events, key=lambda event: event.block)}
