"""Places that a command will write to, tried before anything is fetched or spent."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..domain.errors import InputError, MachineError
from ..domain.user_paths import expanded

LONGEST_NAME = 255


def out_folder(path: Path) -> Path:
    """Returns the folder with ``~`` replaced; it can be written, or made and written.

    Raises InputError ``out.not_a_folder``, ``out.broken_link``, ``out.not_writable``,
    ``out.name_too_long``; MachineError ``machine.disk_full``.
    """
    path = expanded(path)
    try:
        if path.exists() and not path.is_dir():
            raise InputError(
                "out.not_a_folder", f"{path} is not a folder", remedy="give --out a folder", path=path
            )
        _try(path)
    except OSError as error:
        raise _not_writable(path, error) from error
    return path


def out_file(path: Path) -> Path:
    """Returns the file's path with ``~`` replaced; its folder can be written, or made and written.

    Raises InputError ``out.not_a_file``; otherwise as ``out_folder``.
    """
    path = expanded(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(
                "out.not_a_file", f"{path} is not a file", remedy="give --out the path of a file", path=path
            )
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(13, "Permission denied", str(path))
        _try(path if path.is_symlink() and not path.exists() else path.parent)
    except OSError as error:
        raise _not_writable(path, error) from error
    _check_names(path)
    return path


def _try(path: Path) -> None:
    """Writes a nameless file into the folder, or the nearest one above it that exists."""
    _check_names(path)
    at = path.absolute()
    while not at.exists():
        if at.is_symlink():
            raise InputError(
                "out.broken_link",
                f"{at} is a symbolic link that leads nowhere, or in a circle",
                remedy="remove it, or give --out another path",
                path=at,
            )
        at = at.parent
    if not at.is_dir():
        raise InputError(
            "out.not_a_folder",
            f"{at} is a file, so that nothing can lie below it",
            remedy="give --out another path",
            path=at,
        )
    with tempfile.TemporaryFile(dir=at):
        pass
    room = os.statvfs(at)
    if room.f_blocks and not room.f_bavail:
        raise MachineError(
            "machine.disk_full", f"no space is left for {path}", remedy="free some space", path=path
        )


def _check_names(path: Path) -> None:
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in path.parts):
        raise InputError(
            "out.name_too_long",
            f"a name in {str(path)[:60]}… has more than {LONGEST_NAME} bytes",
            remedy="give --out a shorter path",
        )


def _not_writable(path: Path, error: OSError) -> InputError:
    return InputError(
        "out.not_writable",
        f"nothing can be written to {path}: {error.strerror or error}",
        remedy="make its folder writable, or give --out another path",
        path=path,
    )
