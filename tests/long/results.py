"""The results of parts, kept under ``tests/long/results`` with the digest of the files they cover.

A result is committed, so that another machine goes on. The tests that a part has passed so far lie under
``.long``, which is not: an interrupted part goes on from there.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

PASSED, FAILED = "passed", "failed"
DIGITS = 16
"""Of a digest, in the name of a file of unfinished work."""


@dataclass(frozen=True)
class Result:
    """The outcome of one part, and the minutes that it took."""

    part: str
    digest: str
    commit: str
    outcome: str
    minutes: float


class Kept:
    """The results in ``committed``, and unfinished work in ``unfinished``."""

    def __init__(self, committed: Path, unfinished: Path) -> None:
        self._committed, self._unfinished = committed, unfinished

    def result(self, part: str) -> Result | None:
        path = self._committed / f"{part}.json"
        return Result(**json.loads(path.read_text("utf-8"))) if path.exists() else None

    def is_done(self, part: str, digest: str) -> bool:
        """Returns True if the part passed as it is now."""
        result = self.result(part)
        return result is not None and (result.digest, result.outcome) == (digest, PASSED)

    def write(self, result: Result) -> None:
        path = self._committed / f"{result.part}.json"
        _replace(path, json.dumps(asdict(result), indent=2) + "\n")
        if result.outcome == PASSED:
            for path in self._unfinished.glob(f"{result.part}-{'?' * DIGITS}.*"):
                path.unlink()

    def passed_file(self, part: str, digest: str) -> Path:
        """Returns the file that lists, one a line, the tests which passed under this digest."""
        path = self._unfinished / f"{part}-{digest[:DIGITS]}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def minutes_so_far(self, part: str, digest: str) -> float:
        """Returns the minutes that went into the part under this digest, over all its runs."""
        path = self.passed_file(part, digest).with_suffix(".minutes")
        return float(path.read_text()) if path.exists() else 0.0

    def add_minutes(self, part: str, digest: str, minutes: float) -> float:
        """Adds to the minutes of the part under this digest, and returns the sum."""
        total = self.minutes_so_far(part, digest) + minutes
        _replace(self.passed_file(part, digest).with_suffix(".minutes"), f"{total:.2f}")
        return total


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, "utf-8")
    os.replace(new, path)
