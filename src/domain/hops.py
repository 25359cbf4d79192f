"""The walk of one job: the one numbering that logs, demo, docs and tests share."""

from __future__ import annotations

from enum import IntEnum


class Hop(IntEnum):
    PLANNED = 1
    PINNED = 2
    ESCROWED = 3
    CLAIMED = 4
    FETCHED = 5
    RENDERED = 6
    DELIVERED = 7
    SUBMITTED = 8
    DRAWN = 9
    AUDITED = 10
    JUDGED = 11
    SETTLED = 12
