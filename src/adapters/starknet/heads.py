"""What a connection has seen of the chain's end, so that an older end is not believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...ports.trail import digest_of

REMEMBERED = 4_096


class Heads:
    """The highest block seen by way of any endpoint, and the blocks that were heads.

    A lower head is an endpoint that lies behind, unless a block at or below it is another one
    than it was: then the chain itself was taken back.
    """

    def __init__(self) -> None:
        self.highest = 0
        self._seen: dict[int, int] = {}

    def saw_number(self, block: int) -> None:
        self.highest = max(self.highest, block)

    def saw(self, block: Mapping[str, Any]) -> None:
        """A block as the node gives it, as the newest."""
        number = int(block["block_number"])
        self.saw_number(number)
        self._seen.pop(number, None)
        self._seen[number] = _digest(block)
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def known_at_or_below(self, number: int) -> int | None:
        """The newest block to compare when an endpoint's head is this one."""
        return max((block for block in self._seen if block <= number), default=None)

    def is_as_seen(self, block: Mapping[str, Any]) -> bool:
        return self._seen.get(int(block["block_number"])) == _digest(block)

    def taken_back_to(self, number: int) -> None:
        """The chain ends here now, whatever was seen of it."""
        self.highest = number
        self._seen = {block: digest for block, digest in self._seen.items() if block < number}


def _digest(block: Mapping[str, Any]) -> int:
    """A devnet's hash follows from number and count of transactions alone: it does not suffice."""
    names = ("block_hash", "parent_hash", "new_root", "timestamp", "transactions")
    return digest_of(*(block.get(name) for name in names))
