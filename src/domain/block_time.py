"""Blocks in words: beside a count of blocks people read about how long they take."""

from __future__ import annotations

ASSUMED_BLOCK_SECONDS = 2.0
"""How often Starknet makes a block, about; a network's file says otherwise by ``block_seconds``."""
_UNITS = ((86_400, "day", "days"), (3_600, "h", "h"), (60, "min", "min"))


def about(seconds: float) -> str:
    """Returns the time in one unit: ``about 40 s``, ``about 5 min``, ``about 3 h``, ``about 2 days``."""
    for size, one, several in _UNITS:
        if seconds >= 1.5 * size or (size > 60 and seconds >= 0.95 * size):
            count = round(seconds / size)
            return f"about {count} {one if count == 1 else several}"
    return f"about {max(1, round(seconds))} s"


def from_now(block: int, now: int, block_seconds: float) -> str:
    """Returns how far off the block is: ``150 blocks from now, about 5 min``; ``now`` once it is here."""
    left = block - now
    if left <= 0:
        return "now"
    return f"{left} {'block' if left == 1 else 'blocks'} from now, {about(left * block_seconds)}"
