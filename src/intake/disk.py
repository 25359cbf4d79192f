"""A full disk, told apart from every other failure of the file system."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..domain.errors import MachineError


@contextmanager
def disk_full_named(folder: Path) -> Iterator[None]:
    """What is written below ``folder`` inside.

    Raises MachineError ``machine.disk_full`` when there is no room for it; any other OSError as
    it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MachineError(
            "machine.disk_full",
            f"no space is left for {folder}",
            remedy="free some space",
            path=folder,
        ) from error
