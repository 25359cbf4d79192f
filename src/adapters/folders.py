"""A ContentSource out of copies on this disk, so that an audit can be replayed without a network."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from ..domain.cid import Cid
from ..domain.errors import EvidenceError, InputError, ServiceError, disk_full_named
from ..domain.paths import is_safe_path
from ..ports.content import MAX_ENTRIES, ContentSource, Progress


class Folders:
    """Serves each CID of ``copies`` from its file or folder, and any other from ``beyond``.

    A block is checked against its CID. A folder cannot be: its CID depends on how it was cut into
    blocks. Who fetches it must know its files by other means, as a manifest's digests.
    """

    def __init__(self, copies: Mapping[Cid, Path], beyond: ContentSource | None = None) -> None:
        self._copies, self._beyond = dict(copies), beyond

    def read_block(self, cid: Cid, *, max_bytes: int, timeout: float) -> bytes:
        """Raises also InputError ``content.other_copy`` when the file is not what the CID names."""
        path = self._copies.get(cid)
        if path is None:
            return self._further(cid).read_block(cid, max_bytes=max_bytes, timeout=timeout)
        if not path.is_file():
            raise _unusable(path, "is not a file")
        if path.stat().st_size > max_bytes:
            raise EvidenceError("content.too_large", f"{path} is larger than the {max_bytes} bytes allowed")
        block = path.read_bytes()
        if not cid.names(block):
            raise _unusable(path, f"is not what {cid} names")
        return block

    def fetch(
        self, cid: Cid, into: Path, *, max_bytes: int, timeout: float, progress: Progress | None = None
    ) -> None:
        """Raises also InputError ``content.other_copy`` when the copy is not a folder of files."""
        folder = self._copies.get(cid)
        if folder is None:
            source = self._further(cid)
            return source.fetch(cid, into, max_bytes=max_bytes, timeout=timeout, progress=progress)
        if into.exists():
            raise ValueError(f"{into} exists")
        files = _files(folder)
        total = sum(path.stat().st_size for path in files)
        if total > max_bytes:
            raise EvidenceError("content.too_large", f"{folder} is larger than the {max_bytes} bytes allowed")
        partial = into.with_name(f".{into.name}.{uuid.uuid4().hex}.part")
        try:
            with disk_full_named(into.parent):
                partial.mkdir(parents=True)
                done = 0
                for path in files:
                    target = partial / path.relative_to(folder)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)
                    done += path.stat().st_size
                    if progress is not None:
                        progress(done, total)
                partial.rename(into)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _further(self, cid: Cid) -> ContentSource:
        if self._beyond is None:
            raise ServiceError(
                "content.not_found",
                f"{cid} is among no copies on this disk",
                remedy="name its copy, or leave out the copies and fetch from IPFS",
                cid=cid,
            )
        return self._beyond


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise _unusable(folder, "is not a folder")
    entries = sorted(folder.rglob("*"))
    if len(entries) > MAX_ENTRIES:
        raise _unusable(folder, f"holds more than {MAX_ENTRIES} entries")
    for entry in entries:
        name = entry.relative_to(folder).as_posix()
        if entry.is_symlink() or not (entry.is_file() or entry.is_dir()) or not is_safe_path(name):
            raise _unusable(entry, "is neither a plain file nor a folder")
    return [entry for entry in entries if entry.is_file()]


def _unusable(path: Path, why: str) -> InputError:
    return InputError(
        "content.other_copy",
        f"{path} {why}",
        remedy="give the copy that belongs to the report, or let it be fetched from IPFS",
        path=path,
    )
