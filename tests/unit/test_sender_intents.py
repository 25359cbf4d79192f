"""What a sender writes down, for any order of what it goes through."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tileproof.adapters.starknet.intents import Intent, Intents
from tileproof.domain.money import Fri

from tests.fakes.journal import FakeJournal

DAY, ANOTHER_DAY = "2030-01-01", "2030-01-02"
intents = st.lists(
    st.builds(
        Intent,
        tx_hash=st.integers(0, 2**251),
        what=st.sampled_from(["deposit", "claim"]),
        nonce=st.integers(0, 2**64 - 1),
        key=st.none() | st.text(max_size=3),
    ),
    unique_by=lambda intent: intent.tx_hash,
    max_size=8,
)


@given(intents)
def test_what_was_written_down_is_read_as_it_was_by_whoever_comes_after(written: list[Intent]) -> None:
    journal = FakeJournal()
    for intent in written:
        Intents(journal).put(intent)
    assert Intents(journal).open() == written
    for key in {intent.key for intent in written} - {None}:
        assert Intents(journal).of(str(key)) == [intent for intent in written if intent.key == key]


@given(intents, st.data())
def test_what_has_landed_is_kept_for_who_named_it_and_paid_for_once(
    written: list[Intent], data: st.DataObject
) -> None:
    journal = FakeJournal()
    kept = Intents(journal)
    for intent in written:
        kept.put(intent)
    landed = data.draw(st.lists(st.sampled_from(written), unique=True)) if written else []
    for at, intent in enumerate(landed):
        kept.landed(intent, Fri(10**at), DAY)
    assert kept.open() == [intent for intent in written if intent not in landed]
    for intent in landed:
        after = [replace(intent, landed=True)] if intent.key is not None else []
        assert [other for other in kept.of(str(intent.key)) if other.tx_hash == intent.tx_hash] == after
        for again in after:
            kept.landed(again, Fri(5), DAY)  # it was asked for again
    assert kept.spent(DAY) == Fri(sum(10**at for at in range(len(landed))))
    assert kept.spent(ANOTHER_DAY) == Fri(0)
