"""Taking what is wanted out of a .tar.gz: regular files by their path, nothing else."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO


def extract_file(archive: Path, member: str, target: Path, *, max_bytes: int) -> None:
    """Writes one member to ``target``, executable. A name without folders is looked for in every folder.

    Raises LookupError when there is no such file or it is larger than ``max_bytes``, and
    tarfile.TarError or EOFError when the archive is broken.
    """
    with tarfile.open(archive, "r:gz") as opened:
        for found in opened:
            name = found.name if "/" in member else PurePosixPath(found.name).name
            if name == member and found.isfile():
                if found.size > max_bytes:
                    raise LookupError(f"{member} in it has {found.size:,} bytes, more than {max_bytes:,}")
                _write(opened.extractfile(found), target)
                target.chmod(0o755)
                return
    raise LookupError(f"there is no {member} in it")


def extract_folder(archive: Path, folder: str, target: Path) -> None:
    """Writes every regular file below ``folder`` to the same place below ``target``.

    Raises LookupError when there is none, or one whose path leads elsewhere.
    """
    written = 0
    with tarfile.open(archive, "r:gz") as opened:
        for found in opened:
            path = PurePosixPath(found.name)
            if not path.is_relative_to(folder) or not found.isfile():
                continue
            if ".." in path.parts:
                raise LookupError(f"{found.name} in {archive.name} leads elsewhere")
            _write(opened.extractfile(found), target / path.relative_to(folder))
            written += 1
    if not written:
        raise LookupError(f"there is no {folder} in {archive.name}")


def _write(source: IO[bytes] | None, target: Path) -> None:
    if source is None:
        raise LookupError(f"{target.name} is no regular file")
    target.parent.mkdir(parents=True, exist_ok=True)
    with source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
