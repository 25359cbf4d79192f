"""Canonical JSON: one value, one encoding, and a reader that believes nothing.

Canonical means UTF-8, keys sorted, no white space, no escapes but those JSON needs, floats
as Python's shortest repr. What was read is accepted only when writing it again gives
the same bytes, which rules out doubled keys, odd spellings and trailing bytes at once.
"""

from __future__ import annotations

import json
import math
import re

from .errors import EvidenceError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")
MAX_TEXT = 256
MAX_DEPTH = 16
"""Far more than any document of ours nests. Counted before parsing: some libraries raise Python's
own limit so far that a stranger's brackets would end the process."""
_STEP = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def dump(value: object) -> bytes:
    """The canonical bytes of plain JSON values. Raises ValueError for NaN and infinities."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def load(data: bytes, *, kind: str, max_bytes: int) -> Fields:
    """The object that ``data`` encodes canonically.

    Raises:
        EvidenceError: ``<kind>.too_large`` above ``max_bytes``, ``<kind>.malformed`` for
            anything that ``dump`` would not have written, or that is no object.
    """
    if len(data) > max_bytes:
        raise EvidenceError(
            f"{kind}.too_large",
            f"a {kind} of {len(data)} bytes is larger than {max_bytes}",
            size=len(data),
            max_bytes=max_bytes,
        )
    if nests_too_deep(data):
        raise malformed(kind, f"it nests deeper than {MAX_DEPTH}")
    try:
        value = json.loads(data.decode("utf-8"))
        canonical = dump(value) == data
    except (ValueError, RecursionError):
        raise malformed(kind, "it is not canonical JSON") from None
    if not canonical:
        raise malformed(kind, "it is not canonical JSON")
    return Fields(value, kind, "")


def nests_too_deep(data: bytes) -> bool:
    """Whether JSON must not be parsed: it nests deeper than ``MAX_DEPTH``."""
    depth = 0
    for step in _STEP.finditer(data):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(step[0], 0)
        if depth > MAX_DEPTH:
            return True
    return False


def malformed(kind: str, why: str) -> EvidenceError:
    return EvidenceError(
        f"{kind}.malformed",
        f"the {kind} cannot be used: {why}",
        remedy="do not use it; it is not ours to mend",
    )


class Fields:
    """An object of untrusted JSON, read field by field; ``done`` refuses what nobody asked for.

    Every method raises EvidenceError ``<kind>.malformed`` and names the field.
    """

    def __init__(self, value: object, kind: str, where: str) -> None:
        self._kind, self._where = kind, where
        if not isinstance(value, dict):
            raise malformed(kind, f"{where or 'the whole'} is not an object")
        self._left: dict[str, object] = dict(value)

    def fail(self, name: str, why: str) -> EvidenceError:
        return malformed(self._kind, f"{self._where}{name} {why}")

    def take(self, name: str) -> object:
        if name not in self._left:
            raise self.fail(name, "is missing")
        return self._left.pop(name)

    def integer(self, name: str, least: int, most: int) -> int:
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.fail(name, f"is not a whole number in {least}..{most}")
        return value

    def number(self, name: str, least: float, most: float) -> float:
        value = self.take(name)
        if not isinstance(value, float) or not math.isfinite(value) or not least <= value <= most:
            raise self.fail(name, f"is not a decimal in {least}..{most}")
        return value

    def flag(self, name: str) -> bool:
        value = self.take(name)
        if not isinstance(value, bool):
            raise self.fail(name, "is neither true nor false")
        return value

    def text(self, name: str, *, most: int = MAX_TEXT, like: str | None = None) -> str:
        """Text without control characters, at most ``most`` characters, matching ``like``."""
        value = self.take(name)
        if not isinstance(value, str) or len(value) > most or not is_plain_text(value):
            raise self.fail(name, f"is not plain text of at most {most} characters")
        if like is not None and re.fullmatch(like, value) is None:
            raise self.fail(name, f"does not look like {like}")
        return value

    def choice(self, name: str, *words: str) -> str:
        value = self.take(name)
        if not isinstance(value, str) or value not in words:
            raise self.fail(name, f"is not one of {', '.join(words)}")
        return value

    def items(self, name: str, *, least: int, most: int) -> list[object]:
        value = self.take(name)
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise self.fail(name, f"is not a list of {least} to {most} entries")
        return value

    def objects(self, name: str, *, least: int, most: int) -> list[Fields]:
        return [
            Fields(value, self._kind, f"{self._where}{name}[{at}].")
            for at, value in enumerate(self.items(name, least=least, most=most))
        ]

    def object(self, name: str) -> Fields:
        return Fields(self.take(name), self._kind, f"{self._where}{name}.")

    def done(self) -> None:
        if self._left:
            raise self.fail(sorted(self._left)[0], "is not a known field")


def is_plain_text(text: str) -> bool:
    """No control characters, lone surrogates or marks that turn the direction of writing."""
    return _CONTROL.search(text) is None
