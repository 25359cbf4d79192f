"""Addresses and keys of Starknet as people write and paste them."""

from __future__ import annotations

import re

FORM = "0x and up to 64 hexadecimal digits"
LEAST_ADDRESS_DIGITS = 40
"""Hexadecimal digits without 0x are taken for an address, not for a name, from this length on."""
_HEX_DIGITS = 64
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"


def pasted(text: str) -> str:
    """Returns the text without blanks and quotes around it."""
    return text.strip().strip(_QUOTES).strip()


def parse_felt(text: str, below: int) -> int:
    """Returns the number that the text means, from 1 to ``below`` - 1.

    Hexadecimal digits count with 0x, 0X or, where one of them is a letter, without. Digits alone are
    decimal where they are too many for hexadecimal; any other such text has two meanings.

    Raises ValueError, which names the form expected and never repeats the text: it may be a key.
    """
    text = pasted(text)
    prefixed = re.fullmatch(r"0[xX]([0-9a-fA-F]+)", text)
    if prefixed is not None:
        felt = int(prefixed[1], 16)
    elif re.fullmatch(r"[0-9]+", text):
        if len(text) <= _HEX_DIGITS:
            raise ValueError(f"its digits may be decimal or hexadecimal: write {FORM}")
        felt = int(text) if len(text) < 100 else below
    elif re.fullmatch(r"[0-9a-fA-F]+", text):
        felt = int(text, 16)
    else:
        raise ValueError(f"write {FORM}")
    if felt == 0:
        raise ValueError(f"it is zero: write {FORM}")
    if felt >= below:
        raise ValueError(f"it is too large: write {FORM}")
    return felt


def looks_like_address(text: str) -> bool:
    """Returns True for a text that is meant as an address and not as a name or a path."""
    text = pasted(text)
    if text[:2] in ("0x", "0X") and "/" not in text and not text.endswith(".json"):
        return True
    return bool(re.fullmatch(rf"[0-9a-fA-F]{{{LEAST_ADDRESS_DIGITS},}}", text))
