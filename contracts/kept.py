"""Results of checks that depend on a tree of files alone, kept so that they need not run twice.

A result has the digest of everything that the check reads: the files and the compiler's version. The
per-user cache keeps it for this machine. A record is a result that is committed, so that a new machine
need not build the test runner to repeat what another has found.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Check:
    """One check: its name, the files that it reads, and the version of what runs it.

    ``record`` is the committed result; None for a check that every machine makes for itself.
    """

    name: str
    files: tuple[Path, ...]
    version: str
    record: Path | None = None

    def digest(self, root: Path) -> str:
        """Returns the SHA-256 over the version and every file's path, length and content."""
        return digest_of(self.files, root, head=f"{self.name} {self.version}\n")


class KeptResults:
    """The results in one per-user cache and in the records of one checkout."""

    def __init__(self, root: Path, cache: Path) -> None:
        self._root, self._folder = root, cache / "kept"

    def has(self, check: Check) -> str | None:
        """Returns where the check's result lies, or None where no result has the present digest."""
        digest = check.digest(self._root)
        for path in (self._in_cache(check), check.record):
            if path is not None and _read(path).get("digest") == digest:
                return "recorded" if path == check.record else "in the cache"
        return None

    def keep(self, check: Check, summary: str, before: str) -> Path | None:
        """Keeps that the check has passed. Returns the record if it is to be committed anew.

        ``before`` is the digest when the check began. Nothing is kept where a file has changed since.
        """
        if check.digest(self._root) != before:
            return None
        result = {"check": check.name, "digest": before, "summary": summary}
        _write(self._in_cache(check), {**result, "at": int(time.time())})
        if check.record is None or _read(check.record).get("digest") == result["digest"]:
            return None
        _write(check.record, result)
        return check.record

    def _in_cache(self, check: Check) -> Path:
        return self._folder / f"{check.name}.json"


def digest_of(files: Iterable[Path], root: Path, *, head: str = "") -> str:
    """Returns the SHA-256 over ``head`` and every file's path, length and content, in the order of paths."""
    found = hashlib.sha256(head.encode())
    for path in sorted(files):
        content = path.read_bytes()
        found.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()


def files_below(*folders: Path, pattern: str = "*") -> tuple[Path, ...]:
    """Returns every file below the folders whose name matches; compiled Python is left out."""
    found: Iterable[Path] = (path for folder in folders for path in folder.rglob(pattern))
    return tuple(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def _read(path: Path) -> dict[str, object]:
    """Returns a result's fields; none where there is no result that can be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, result: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(result, indent=2) + "\n")
    os.replace(new, path)
