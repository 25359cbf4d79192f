"""Every way Tileproof can fail, as a tree of types.

Each error carries a stable string ``code`` that scripts may match on, the data that says
to what it happened, and ``remedy``: what the reader can do next. The class decides the
exit status of the command line, so two failures a script must tell apart are two classes.
A plain Python exception is a bug of ours: it is never translated and never retried.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class TileproofError(Exception):
    """A failure with a name, a subject and a next step.

    Args:
        code: stable, lower-case, dotted (``scene.no_camera``); never renamed once released.
        message: what happened, to what, in one sentence.
        remedy: what the reader can do next, in one sentence; the class's ``usual_remedy`` if
            there is nothing better to say.
        data: JSON-like values that identify the subject (paths, CIDs, ids, sizes).
    """

    exit_status = 1
    usual_remedy = ""

    def __init__(self, code: str, message: str, *, remedy: str = "", **data: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy or self.usual_remedy
        self.data = data

    def as_json(self) -> dict[str, object]:
        """The same facts for ``--json``: code, message, remedy, data."""
        return {
            "code": self.code,
            "message": self.message,
            "remedy": self.remedy,
            "data": {k: v if isinstance(v, int | float | bool) else str(v) for k, v in self.data.items()},
        }


class InputError(TileproofError):
    """The user's file, flag or value cannot be used."""

    exit_status = 2


class ConfigError(TileproofError):
    """A setting, key file or address is missing, unsafe or contradictory."""

    exit_status = 3


class MachineError(TileproofError):
    """This machine cannot do the work: disk, sandbox, Blender, memory."""

    exit_status = 4


class EvidenceError(TileproofError):
    """Another party gave something false, malformed or larger than it promised."""

    exit_status = 5
    usual_remedy = "do not rely on it: nothing of it was used; only whoever made it can give a right one"


class ServiceError(TileproofError):
    """The chain or IPFS failed or cannot be reached.

    ``retryable`` is True only when the same request, unchanged, may succeed later and
    sending it twice cannot have a second effect.
    """

    exit_status = 6

    def __init__(
        self, code: str, message: str, *, remedy: str = "", retryable: bool = False, **data: object
    ) -> None:
        super().__init__(code, message, remedy=remedy, **data)
        self.retryable = retryable


class LedgerRejected(TileproofError):
    """The contract refused a call; ``reason`` is its own named short string.

    Nothing changed on the ledger apart from the fee of a reverted transaction, if one was sent.
    """

    exit_status = 7
    usual_remedy = "nothing but a fee was spent; look at the state it refused with `tileproof client status`"

    def __init__(self, reason: str, message: str = "", *, remedy: str = "", **data: object) -> None:
        super().__init__(
            f"ledger.{reason.lower()}", message or f"the contract refused: {reason}", remedy=remedy, **data
        )
        self.reason = reason


def unsupported(what: str) -> MachineError:
    """Returns the error for what takes Linux or macOS, on any other system."""
    return MachineError(
        "machine.unsupported",
        f"{what} takes a system that limits and isolates processes, and this one has no such calls",
        remedy="run it on Linux: in WSL2 on Windows, or in the container image (docs/operate.md)",
        what=what,
    )


@contextmanager
def disk_full_named(folder: Path, remedy: str = "free some space") -> Iterator[None]:
    """What is written below ``folder`` inside; a full disk is told apart from every other failure.

    Raises MachineError ``machine.disk_full`` when there is no room for it; any other OSError as
    it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MachineError(
            "machine.disk_full", f"no space is left for {folder}", remedy=remedy, path=folder
        ) from error
