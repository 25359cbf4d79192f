"""Bytes of a job, fetched within caps and checked before anything reads them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..domain.cid import Cid
from ..domain.errors import EvidenceError, ServiceError
from ..domain.manifest import Manifest, SceneFile
from ..ports.clock import Clock
from ..ports.content import ContentSource

T = TypeVar("T")

_TRY_SECONDS = 20.0
"""The first try of a fetch: short, so that a request to stop is heard. Blocks already here stay,
and each try is twice as long, so that what merely takes long is there in the end."""


class Stopped(Exception):
    """The process was asked to stop: nothing was decided, nothing is lost."""


class Fetcher:
    """Fetches with one deadline for everything, in short tries.

    Every method raises ServiceError (``content.not_found`` once the deadline has passed,
    others at once unless retryable), EvidenceError as the store does, and Stopped.
    """

    def __init__(self, store: ContentSource, clock: Clock, poll_seconds: float, until: float) -> None:
        self._store, self._clock, self._poll, self._until = store, clock, poll_seconds, until

    def block(self, cid: Cid, max_bytes: int) -> bytes:
        return self._within_deadline(lambda t: self._store.read_block(cid, max_bytes=max_bytes, timeout=t))

    def tree(self, cid: Cid, into: Path, max_bytes: int) -> None:
        self._within_deadline(lambda t: self._store.fetch(cid, into, max_bytes=max_bytes, timeout=t))

    def _within_deadline(self, attempt: Callable[[float], T]) -> T:
        longest = _TRY_SECONDS
        while True:
            left = self._until - self._clock.monotonic()
            try:
                return attempt(max(0.1, min(left, longest)))
            except ServiceError as error:
                if not error.retryable or self._clock.monotonic() >= self._until:
                    raise
            longest *= 2
            if self._clock.wait(self._poll):
                raise Stopped


class SceneCache:
    """Scenes by CID and files promised, each entered only after every file was equal to the
    manifest's SHA-256."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root, self._max_bytes = root, max_bytes

    def get(self, manifest: Manifest, fetcher: Fetcher) -> Path:
        """The scene's directory, which nobody may write to.

        Raises EvidenceError ``scene.not_as_promised`` when the directory is not exactly the
        manifest's files; what Fetcher raises.
        """
        kept = self._root / _name(manifest)
        if kept.is_dir():
            os.utime(kept)
            return kept
        self._root.mkdir(parents=True, exist_ok=True)
        size = sum(file.size for file in manifest.files)
        self._make_room(size)
        incoming = self._root / f"incoming-{kept.name}"
        shutil.rmtree(incoming, ignore_errors=True)
        try:
            # Directory nodes and UnixFS framing come on top of the files' own bytes.
            fetcher.tree(manifest.scene, incoming, size + size // 64 + 4096 * len(manifest.files) + (1 << 20))
            check_scene(incoming, manifest.files)
            incoming.rename(kept)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        return kept

    def _make_room(self, size: int) -> None:
        """Drops the scenes used longest ago until ``size`` more bytes fit."""
        kept = sorted(
            (path for path in self._root.iterdir() if not path.name.startswith("incoming-")),
            key=lambda path: path.stat().st_mtime,
        )
        sizes = {path: _tree_bytes(path) for path in kept}
        for path in kept:
            if sum(sizes.values()) + size <= self._max_bytes:
                return
            shutil.rmtree(path, ignore_errors=True)
            del sizes[path]


def check_scene(root: Path, files: tuple[SceneFile, ...]) -> None:
    """Says nothing when ``root`` holds exactly these files, byte for byte.

    Raises EvidenceError ``scene.not_as_promised``, naming the first file that differs.
    """
    promised = {file.path: file for file in files}
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    for name in sorted(promised.keys() ^ found):
        raise _not_as_promised(name, "is missing" if name in promised else "is not in the manifest")
    for file in files:
        path = root / file.path
        if path.is_symlink() or path.stat().st_size != file.size or _sha256(path) != file.sha256:
            raise _not_as_promised(file.path, "differs from the manifest")


def _name(manifest: Manifest) -> str:
    """Who promises other files for the same CID gets an entry, and a check, of their own."""
    promised = "\n".join(f"{file.sha256} {file.size} {file.path}" for file in manifest.files)
    return f"{manifest.scene}-{hashlib.sha256(promised.encode()).hexdigest()[:16]}"


def _not_as_promised(path: str, why: str) -> EvidenceError:
    return EvidenceError("scene.not_as_promised", f"the scene's file {path[:200]!r} {why}", path=path[:200])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tree_bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
