"""Canonical JSON: one value, one encoding, and a reader that believes nothing.

Canonical means RFC 8785, which any language can reproduce: UTF-8, keys in the order of their
UTF-16 code units, no white space, no escapes but those JSON needs, numbers as ECMAScript prints
doubles. What was read is accepted only when writing it again gives the same bytes, which rules
out doubled keys, odd spellings and trailing bytes at once.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from json.encoder import encode_basestring

from .errors import EvidenceError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")
MAX_TEXT = 256
MAX_INTEGER = 2**53 - 1
"""The largest whole number that every reader of JSON takes for the same."""
MAX_DEPTH = 16
"""Far more than any document of ours nests. Counted before parsing: some libraries raise Python's
own limit so far that a stranger's brackets would end the process."""
_STEP = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def dump(value: object) -> bytes:
    """Returns the canonical bytes of plain JSON values.

    Raises ValueError for NaN, infinities, lone surrogates and whole numbers beyond ``MAX_INTEGER``;
    TypeError for what is no JSON value.
    """
    return _text(value).encode("utf-8")


def _text(value: object) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError(f"{value} is beyond what a double holds exactly")
        return str(int(value))
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: pair[0].encode("utf-16-be"))
        return f"{{{','.join(f'{encode_basestring(name)}:{_text(each)}' for name, each in pairs)}}}"
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _double(value: float) -> str:
    """Returns the number as ECMAScript prints it: ``1``, ``0.1``, ``1e-7``, ``1e+21``."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    point = len(text) + exponent  # how many digits stand before the decimal point
    if len(text) <= point <= 21:
        text = text.ljust(point, "0")
    elif 0 < point <= 21:
        text = f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{text}"
    else:
        fraction = f".{text[1:]}" if len(text) > 1 else ""
        text = f"{text[0]}{fraction}e{point - 1:+d}"
    return f"-{text}" if sign else text


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
        """Returns the number as a float. A whole one is written without a point."""
        value = self.take(name)
        if not is_number(value) or not least <= (found := float(str(value))) <= most:
            raise self.fail(name, f"is not a number in {least}..{most}")
        return found

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


def is_number(value: object) -> bool:
    """Returns True for a JSON number: a whole one is written without a point."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_plain_text(text: str) -> bool:
    """No control characters, lone surrogates or marks that turn the direction of writing."""
    return _CONTROL.search(text) is None
