"""Felts and records, held against the compiled contract's own interface.

An encoder that knows nothing but the ABI writes a record as Cairo's Serde does; the codec must
read it back, and write the same felts.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starknet_py.hash.selector import get_selector_from_name
from tileproof.adapters.starknet import codec
from tileproof.adapters.starknet.codec import MAX_ITEMS, Felts
from tileproof.adapters.starknet.events import BY_NAME, RawEvent, decode
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.errors import ServiceError
from tileproof.domain.job import (
    NO_SEAT,
    Address,
    Appeal,
    AppealOutcome,
    Bounds,
    Commitment,
    Ground,
    Job,
    Lane,
    Outcome,
    Question,
    Reveal,
    Seat,
    Task,
    TaskAppeal,
    TaskResult,
    TaskState,
    Terms,
    Totals,
    Verdict,
)
from tileproof.domain.money import MAX_FRI, Fri
from tileproof.domain.sampling import FIELD_PRIME
from tileproof.ports import ledger as port

_CLASS = resources.files("tileproof.contract_artifacts").joinpath("registry.contract_class.json.gz")
_TEXT = json.loads(gzip.decompress(_CLASS.read_bytes()))["abi"]
ABI: dict[str, dict[str, Any]] = {
    entry["name"]: entry for entry in (json.loads(_TEXT) if isinstance(_TEXT, str) else _TEXT)
}
TYPES, EVENTS = "tileproof::types::", "tileproof::events::"


def serde(kind: str, value: object) -> list[int]:
    """The felts of a value of this Cairo type. None is Cairo's zero."""
    if match := re.fullmatch(r"core::array::(?:Array|Span)::<(.+)>", kind):
        items = list(value)  # type: ignore[call-overload]
        return [len(items), *(felt for item in items for felt in serde(match[1], item))]
    if match := re.fullmatch(r"core::option::Option::<(.+)>", kind):
        return [1] if value is None else [0, *serde(match[1], value)]
    if kind == "core::integer::u256":
        number = value.digest_int if isinstance(value, Cid) else int(value or 0)  # type: ignore[call-overload]
        return [number % 2**128, number // 2**128]
    if kind == TYPES + "Cid":
        return [0, 0, 0] if value is None else [int(value.codec), *serde("core::integer::u256", value)]  # type: ignore[attr-defined]
    entry = ABI.get(kind)
    if kind == "core::bool" or entry is None:
        return [_number(value)]
    if entry["type"] == "enum":
        assert isinstance(value, Enum)
        return [[variant["name"] for variant in entry["variants"]].index(value.value)]
    return [f for m in entry["members"] for f in serde(m["type"], getattr(value, m["name"]))]


def _number(value: object) -> int:
    if isinstance(value, Fri):
        return value.units
    if isinstance(value, Address):
        return value.felt
    assert value is None or isinstance(value, int)
    return int(value or 0)


def unsigned(bits: int) -> st.SearchStrategy[int]:
    """Any value, its edges often."""
    return st.one_of(st.sampled_from([0, 1, 2**bits - 1]), st.integers(0, 2**bits - 1))


u8, u16, u32, u64 = unsigned(8), unsigned(16), unsigned(32), unsigned(64)
felts = st.one_of(st.sampled_from([0, 1, FIELD_PRIME - 1]), st.integers(0, FIELD_PRIME - 1))
fri = st.builds(Fri, unsigned(128))
addresses = st.builds(Address, st.one_of(st.sampled_from([1, 2**251 - 1]), st.integers(1, 2**251 - 1)))
digests = st.one_of(st.sampled_from([bytes(32), b"\xff" * 32]), st.binary(min_size=32, max_size=32))
cids = st.builds(Cid, st.sampled_from(Codec), digests)
raw_cids = st.builds(Cid, st.just(Codec.RAW), digests)
verdicts, grounds = st.sampled_from(Verdict), st.sampled_from(Ground)
outcomes, questions = st.sampled_from(Outcome), st.sampled_from(Question)
lanes, appeal_outcomes = st.sampled_from(Lane), st.sampled_from(AppealOutcome)
terms = st.builds(Terms, fri, fri, fri, u8, u16, u32, u32, u32, u32, u64, lanes)
bounds = st.builds(Bounds, u32, u8, u16, u32, u32, u32, u32, u64, fri, u64, u16)
slots = st.lists(st.one_of(u32, st.just(NO_SEAT)), max_size=15).map(tuple)
said = st.lists(st.none() | verdicts, max_size=15).map(tuple)
seeds = st.none() | felts.filter(bool)
appeals = st.builds(TaskAppeal, addresses, outcomes, questions, u32, u32, u64, u8, seeds, slots, said)
tasks = st.builds(
    Task,
    job_id=st.just(7),
    task=u32,
    state=st.sampled_from(TaskState),
    attempt=u32,
    failures=u8,
    worker=st.none() | addresses,
    claim_block=u64,
    lease_until=u64,
    result=st.none() | cids,
    submit_block=u64,
    round=u8,
    seed_block=u64,
    audit_seed=seeds,
    outcome=outcomes,
    ground=grounds,
    index=u32,
    seats=slots,
    committed=st.lists(st.booleans(), max_size=15).map(tuple),
    revealed=said,
    window_ends_block=u64,
    appeal=st.none() | appeals,
)
jobs = st.builds(Job, u64, addresses, raw_cids, u32, terms, u64, st.booleans(), st.booleans(), u32, u32)
seats = st.builds(Seat, st.just(3), addresses, fri, u64, st.none() | u64.filter(bool), st.booleans())
totals = st.builds(Totals, fri, fri, fri, fri)


def read_whole(reader: Any, answer: list[int]) -> object:
    source = Felts(answer)
    record = reader(source)
    source.end()
    return record


@given(jobs)
def test_a_job_is_read_as_cairo_writes_it(job: Job) -> None:
    assert read_whole(codec.read_job, serde(TYPES + "JobView", job)) == job


@given(tasks)
def test_a_task_is_read_as_cairo_writes_it(task: Task) -> None:
    assert read_whole(lambda f: codec.read_task(f, 7), serde(TYPES + "TaskView", task)) == task


@given(seats)
def test_a_seat_is_read_as_cairo_writes_it(seat: Seat) -> None:
    assert read_whole(lambda f: codec.read_seat(f, 3), serde(TYPES + "Seat", seat)) == seat


@given(totals, st.builds(codec.StoredBalances, fri, fri, fri, fri))
def test_sums_are_read_as_cairo_writes_them(sums: Totals, stored: codec.StoredBalances) -> None:
    assert read_whole(codec.read_totals, serde(TYPES + "Totals", sums)) == sums
    assert read_whole(codec.read_balances, serde(TYPES + "Balances", stored)) == stored


@given(terms, bounds)
def test_terms_and_bounds_are_read_and_written_as_cairo_does(offer: Terms, limits: Bounds) -> None:
    written = serde(TYPES + "Terms", offer)
    assert (codec.write_terms(offer), read_whole(codec.read_terms, written)) == (written, offer)
    written = serde(TYPES + "Bounds", limits)
    assert (codec.write_bounds(limits), read_whole(codec.read_bounds, written)) == (written, limits)


@given(
    st.builds(TaskResult, u32, cids),
    st.builds(Commitment, u32, u32, u8, u8, felts),
    st.builds(Appeal, u32, questions, u32, u32),
    st.builds(Reveal, u32, u8, verdicts, grounds, u32, cids, felts),
)
def test_what_a_call_carries_is_written_as_cairo_reads_it(
    result: TaskResult, commitment: Commitment, appeal: Appeal, reveal: Reveal
) -> None:
    assert codec.write_result(result) == serde(TYPES + "TaskResult", result)
    assert codec.write_commitment(commitment) == serde(TYPES + "Commitment", commitment)
    assert codec.write_appeal(appeal) == serde(TYPES + "Appeal", appeal)
    assert codec.write_reveal(reveal) == serde(TYPES + "Reveal", reveal)
    both = codec.write_span([codec.write_result(result)] * 2)
    assert both == serde(f"core::array::Span::<{TYPES}TaskResult>", [result, result])
    assert codec.write_span([]) == [0]


@given(unsigned(256))
def test_a_u256_is_its_two_halves(number: int) -> None:
    written = codec.write_u256(number)
    assert written == serde("core::integer::u256", number)
    assert read_whole(Felts.u256, written) == number


RECORDS = {TYPES + "JobView": Job, TYPES + "TaskView": Task, TYPES + "AppealView": TaskAppeal}
RECORDS |= {TYPES + "Balances": codec.StoredBalances}
RECORDS |= {
    TYPES + kind.__name__: kind
    for kind in (Seat, Terms, Bounds, Totals, TaskResult, Commitment, Appeal, Reveal)
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_spells_its_fields_as_the_contract_does(name: str) -> None:
    ours = [field.name for field in fields(RECORDS[name])]
    theirs = [member["name"] for member in ABI[name]["members"]]
    extra = {"job_id", "slot"} - set(theirs)  # what a view is asked by, it does not repeat
    assert [field for field in ours if field not in extra] == theirs


@pytest.mark.parametrize("kind", [Verdict, Ground, Lane, Question, TaskState, Outcome, AppealOutcome])
def test_an_enum_lists_its_variants_as_the_contract_does(kind: type[Enum]) -> None:
    assert [each.value for each in kind] == [v["name"] for v in ABI[TYPES + kind.__name__]["variants"]]


# --- events ---

EVENT_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "requester": addresses,
    "appellant": addresses,
    "worker": addresses,
    "verifier": addresses,
    "manifest": raw_cids,
    "terms": terms,
    "result": cids,
    "evidence": cids,
    "audit_seed": felts,
    "seats": slots,
    "audited": st.booleans(),
    "verdict": verdicts,
    "ground": grounds,
    "outcome": outcomes,
    "against": outcomes,
    "question": questions,
    "appeal": appeal_outcomes,
    "bond": fri,
    "refund": fri,
    "forfeited": fri,
    "paid_to_worker": fri,
    "amount": fri,
}


def event_values(members: list[dict[str, str]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({m["name"]: EVENT_VALUES.get(m["name"], u8) for m in members})


@pytest.mark.parametrize("name", BY_NAME)
@given(data=st.data())
def test_an_event_is_read_as_the_contract_emits_it(name: str, data: st.DataObject) -> None:
    members = ABI[EVENTS + name]["members"]
    values = data.draw(event_values(members))
    keys = [int(get_selector_from_name(name))]
    body: list[int] = []
    for member in members:
        written = serde(member["type"], values[member["name"]])
        (keys if member["kind"] == "key" else body).extend(written)
    kind = getattr(port, name)
    ours = {field.name for field in fields(kind)} - {"block", "tx_hash"}
    assert decode(RawEvent(12, 34, keys, body)) == kind(
        block=12, tx_hash=34, **{field: values[field] for field in ours}
    )
    if body:
        with pytest.raises(ServiceError, match="ends early"):
            decode(RawEvent(12, 34, keys, body[: -len(members)] if len(body) > len(members) else []))


def test_every_event_of_a_job_has_a_record() -> None:
    of_jobs = {
        name.removeprefix(EVENTS)
        for name, entry in ABI.items()
        if name.startswith(EVENTS) and entry["members"][0]["name"] == "job_id"
    }
    assert of_jobs == set(BY_NAME)


@pytest.mark.parametrize("name", ["SeatTaken", "Deposited", "Transfer", "Unheard"])
def test_events_outside_a_job_are_passed_over(name: str) -> None:
    assert decode(RawEvent(1, 2, [int(get_selector_from_name(name)), 5], [6])) is None
    assert decode(RawEvent(1, 2, [], [])) is None


# --- what a broken or lying node may answer ---


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        (Felts.felt, []),
        (Felts.number, [2**128]),
        (Felts.number, [FIELD_PRIME - 1]),
        (Felts.flag, [2]),
        (Felts.u256, [1]),
        (Felts.u256, [2**128, 0]),
        (Felts.u256, [0, 2**128]),
        (Felts.fri, [MAX_FRI + 1]),
        (Felts.address, [2**251]),
        (lambda f: f.variant(Verdict), [4]),
        (lambda f: f.variant(Verdict), [FIELD_PRIME - 1]),
        (Felts.cid, [0x71, 1, 2]),
        (Felts.cid, [FIELD_PRIME - 1, 1, 2]),
        (lambda f: f.items(f.number), [3, 1, 2]),
        (lambda f: f.items(f.number), [MAX_ITEMS + 1]),
        (lambda f: f.items(f.number), [FIELD_PRIME - 1]),
        (lambda f: f.option(f.number), [2]),
        (lambda f: f.option(f.number), [0]),
        (codec.read_terms, [1] * 10),
        (codec.read_terms, [*[1] * 10, 2]),
        (codec.read_appeal, [1] * 9),
        (codec.read_bounds, [1] * 12),
        (codec.read_totals, [1, 2, 3, 4, 5]),
    ],
)
def test_an_answer_that_cannot_be_is_refused(read: Any, answer: list[int]) -> None:
    with pytest.raises(ServiceError) as caught:
        read_whole(read, answer)
    assert caught.value.code == "ledger.malformed_answer"
    assert not caught.value.retryable


def refusal(call: Callable[..., object], *arguments: object) -> str:
    """The code of the refusal, empty when there was none."""
    try:
        call(*arguments)
    except ServiceError as error:
        return error.code
    return ""


@given(st.lists(felts, max_size=60))
def test_no_answer_does_anything_but_be_read_or_refused(answer: list[int]) -> None:
    for read in (codec.read_job, lambda f: codec.read_task(f, 1), codec.read_bounds, codec.read_terms):
        assert refusal(read_whole, read, answer) in ("", "ledger.malformed_answer")


@given(st.sampled_from(sorted(BY_NAME)), st.lists(felts, max_size=8), st.lists(felts, max_size=30))
def test_no_event_does_anything_but_be_read_or_refused(name: str, keys: list[int], data: list[int]) -> None:
    event = RawEvent(1, 2, [int(get_selector_from_name(name)), *keys], data)
    assert refusal(decode, event) in ("", "ledger.malformed_answer")
