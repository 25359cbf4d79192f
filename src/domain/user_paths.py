"""Paths as people write them, and the failures that the system reports for them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .errors import ConfigError, MachineError, TileproofError

_NAMED = {
    errno.EACCES: ("path.no_permission", "may not be used by this user", "change its permissions"),
    errno.EPERM: ("path.no_permission", "may not be used by this user", "change its permissions"),
    errno.EROFS: ("path.read_only", "lies on a read-only file system", "give a path elsewhere"),
    errno.ENOENT: ("path.missing", "is not there", "give a path that exists"),
    errno.ENOTDIR: ("path.not_a_folder", "has a file where a folder should be", "give another path"),
    errno.EISDIR: ("path.is_a_folder", "is a folder", "give the path of a file"),
    errno.EEXIST: ("path.exists", "is there already", "move it away, or give another path"),
    errno.ENOTEMPTY: ("path.not_empty", "is not empty", "empty it, or give another path"),
    errno.ELOOP: ("path.link_loop", "leads through a loop of links", "correct its symbolic links"),
    errno.ENAMETOOLONG: ("path.name_too_long", "has too long a name", "give a shorter one"),
    errno.EINVAL: ("path.invalid", "cannot be used as a path", "give another path"),
    errno.ENOSPC: ("machine.disk_full", "has no space left on its disk", "free some space"),
    errno.EDQUOT: ("machine.disk_full", "has no space left in its quota", "free some space"),
    errno.EIO: ("machine.disk_broken", "cannot be read or written", "check its disk"),
    errno.EMFILE: ("machine.too_many_files", "cannot be opened: too many files are", "raise `ulimit -n`"),
    errno.ENFILE: ("machine.too_many_files", "cannot be opened: too many files are", "close programs"),
    errno.ENOMEM: ("machine.out_of_memory", "needs more memory than there is", "close programs"),
    errno.EAGAIN: ("machine.too_many_processes", "needs another process or thread", "raise `ulimit -u`"),
}


def expanded(path: str | Path) -> Path:
    """Returns the path with ``~`` replaced. Raises ConfigError ``path.no_home`` for a home that is
    not known."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            "path.no_home",
            f"{path} names a home folder that is not known",
            remedy="write the whole path, or set HOME",
            path=path,
        ) from error


def named_os_error(error: OSError) -> TileproofError | None:
    """Returns the system's refusal of a path as an error of its own; None for any other failure."""
    found = _NAMED.get(error.errno or 0)
    if found is None:
        return None
    code, what, remedy = found
    if error.filename is None:
        subject = "a file, a folder or the output"
        why = f" ({error.strerror})"
    else:
        subject, why = (
            os.fsdecode(error.filename) if isinstance(error.filename, bytes) else str(error.filename),
            "",
        )
    return MachineError(code, f"{subject} {what}{why}", remedy=remedy, path=subject)
