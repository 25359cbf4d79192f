"""Bytes by content: what is named by a CID, whoever keeps it.

Raises, for all: ``ServiceError`` ``content.unreachable`` (retryable) when the local node
does not answer, ``content.not_found`` (retryable) when nobody served the CID in time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..domain.cid import Cid

MAX_BLOCK_BYTES = 1 << 20
MAX_ENTRIES = 10_000
"""Of a directory, at all depths together."""
Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all); all is 0 while unknown."""


@dataclass(frozen=True, slots=True)
class ContentStat:
    """What the network says a CID holds, asked before any of it is fetched.

    ``size`` is the cumulative size of the DAG in bytes: an upper bound of the files'
    bytes, claimed by whoever made it and therefore only good for refusing early.
    """

    size: int
    is_directory: bool


class ContentSource(Protocol):
    """What may be fetched, wherever it comes from."""

    def read_block(self, cid: Cid, *, max_bytes: int, timeout: float) -> bytes:
        """A raw block's bytes, checked against the digest.

        Raises EvidenceError ``content.too_large`` above ``max_bytes``; InputError
        ``cid.malformed`` when the CID is not of a raw block.
        """
        ...

    def fetch(
        self,
        cid: Cid,
        into: Path,
        *,
        max_bytes: int,
        timeout: float,
        progress: Progress | None = None,
    ) -> None:
        """Streams a file to the path ``into``, or a directory's files below it.

        ``into`` must not exist. Names that leave ``into``, links and more than ``MAX_ENTRIES``
        are refused. Every byte is checked against the CID. It appears whole or not at all: what
        was fetched lies beside it under a temporary name until the end and is removed on failure.

        Raises:
            EvidenceError: ``content.too_large`` before more than ``max_bytes`` were written;
                ``content.unsafe_name``; ``content.malformed``. Each follows from the content
                alone, so whoever fetches it with this cap is told the same.
            ServiceError: ``content.not_found`` after ``timeout`` seconds in all.
            MachineError: ``machine.disk_full``.
        """
        ...


class ContentStore(ContentSource, Protocol):
    """A node that also keeps what is added, and pins it."""

    def add_block(self, block: bytes) -> Cid:
        """Keeps and pins at most 1 MiB as one raw block. The CID is the block's SHA-256."""
        ...

    def add_file(self, path: Path, *, progress: Progress | None = None) -> Cid:
        """Keeps and pins one file: CIDv1, raw leaves. Equal bytes give an equal CID.

        Raises InputError ``content.not_a_file`` (links too), ``content.unreadable``.
        """
        ...

    def add_directory(self, path: Path, *, progress: Progress | None = None) -> Cid:
        """Keeps and pins a directory's regular files, recursively, with their names.

        The CID names all of them, or there is none. What ``fetch`` would refuse is refused here.

        Raises InputError: ``content.not_a_file`` for anything but a directory of files and
            directories, ``content.unsafe_name``, ``content.too_many_files``,
            ``content.unreadable``.
        """
        ...

    def stat(self, cid: Cid, *, timeout: float) -> ContentStat:
        """Raises EvidenceError ``content.malformed`` when the CID names no UnixFS node."""
        ...

    def pin(self, cid: Cid, *, timeout: float) -> None:
        """Fetches whatever is missing and keeps it until unpinned. Idempotent."""
        ...

    def unpin(self, cid: Cid) -> None:
        """Idempotent: a CID that is not pinned is no error."""
        ...

    def pins(self) -> frozenset[Cid]:
        """The roots that this node keeps."""
        ...

    def version(self) -> str:
        """The node's software and version, such as ``kubo 0.43.0``."""
        ...
