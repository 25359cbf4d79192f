"""Canonical JSON is RFC 8785: its own vectors, and another implementation beside ours."""

from __future__ import annotations

import json
import struct

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.canonical import MAX_INTEGER, dump, load
from tileproof.domain.errors import EvidenceError

NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}
"""Appendix B: doubles by their bits, as they are written."""

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), each),
    max_leaves=12,
)


@pytest.mark.parametrize(("bits", "written"), NUMBERS.items())
def test_a_double_is_written_as_the_standard_writes_it(bits: str, written: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert dump(value) == written.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), MAX_INTEGER + 1, "\ud800"])
def test_what_other_readers_could_not_take_for_the_same_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        dump(value)


def test_the_example_of_the_standard_comes_out_as_the_standard_says() -> None:
    read = json.loads(
        r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
             "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""
    )
    assert dump(read).decode() == (
        r'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        r""""string":"€$\u000f\nA'B\"\\\\\"/"}"""
    )


def test_keys_are_in_the_order_of_their_utf_16_code_units() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = json.loads(dump(dict.fromkeys(keys, 0)))
    assert list(written) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(VALUES)
def test_another_implementation_writes_the_same_bytes(value: object) -> None:
    assert dump(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(VALUES)
def test_what_is_read_back_is_written_as_before(value: object) -> None:
    data = dump({"value": value})
    try:
        read = load(data, kind="report", max_bytes=len(data)).take("value")
    except EvidenceError:
        # A whole double beyond MAX_INTEGER reads as an integer that is not exact.
        assert any(abs(number) > MAX_INTEGER for number in _whole(value))
        return
    assert dump(read) == dump(value)


@pytest.mark.parametrize("spelled", ["1.0", "1e0", "1E0", "-0", "0.10", "1e21", "1e-07", "NaN", "01"])
def test_another_spelling_of_a_number_is_refused(spelled: str) -> None:
    data = f'{{"seconds":{spelled}}}'.encode()
    with pytest.raises(EvidenceError, match="canonical"):
        load(data, kind="result", max_bytes=100)


def test_a_whole_number_is_a_number_and_true_is_none() -> None:
    assert load(b'{"seconds":2}', kind="result", max_bytes=100).number("seconds", 0.0, 5.0) == 2.0
    with pytest.raises(EvidenceError):
        load(b'{"seconds":true}', kind="result", max_bytes=100).number("seconds", 0.0, 5.0)


def _whole(value: object) -> list[float]:
    if isinstance(value, float):
        return [value] if value.is_integer() else []
    if isinstance(value, list):
        return [number for each in value for number in _whole(each)]
    if isinstance(value, dict):
        return [number for each in value.values() for number in _whole(each)]
    return []
