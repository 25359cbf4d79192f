"""Our signatures are the library's, made in a fiftieth of its time."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.hash.utils import message_signature, private_to_stark_key, verify_message_signature
from starknet_py.net.client_models import ResourceBounds, ResourceBoundsMapping
from starknet_py.net.models.transaction import InvokeV3
from starknet_py.net.signer.key_pair import KeyPair
from starknet_py.net.signer.stark_curve_signer import StarkCurveSigner
from tileproof.adapters.starknet.curve import EC_ORDER, FIELD_PRIME, public_key, times_generator
from tileproof.adapters.starknet.rpc import selector_of
from tileproof.adapters.starknet.signing import KeySigner, signature

EDGES = (1, 2, 15, 16, 17, 2**250, 2**251, EC_ORDER // 2, EC_ORDER - 2, EC_ORDER - 1)
SCALARS = some.integers(1, EC_ORDER - 1)
DIGESTS = some.integers(1, 251).flatmap(lambda bits: some.integers(1, 2**bits - 1))


@pytest.mark.parametrize("key", EDGES)
def test_a_public_key_at_the_edges_is_the_librarys(key: int) -> None:
    assert public_key(key) == private_to_stark_key(key)


@given(SCALARS)
def test_a_public_key_is_the_librarys(key: int) -> None:
    assert public_key(key) == private_to_stark_key(key)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(DIGESTS, SCALARS)
@example(1, 1)
@example(2**248, EC_ORDER - 1)
@example(2**251 - 1, 1)
def test_a_signature_is_the_librarys_bit_for_bit(digest: int, key: int) -> None:
    assert signature(digest, key) == message_signature(digest, key)


def test_a_signature_holds_for_its_digest_and_for_no_other() -> None:
    chance = Random(1)
    digest, key = chance.randrange(2**250), chance.randrange(1, EC_ORDER)
    found = list(signature(digest, key))
    assert verify_message_signature(digest, found, public_key(key))
    assert not verify_message_signature(digest ^ 1, found, public_key(key))


@pytest.mark.parametrize("scalar", [0, -1, EC_ORDER, EC_ORDER + 1])
def test_a_scalar_out_of_range_has_no_multiple_and_signs_nothing(scalar: int) -> None:
    with pytest.raises(ValueError, match="order"):
        times_generator(scalar)
    with pytest.raises(ValueError, match="out of range"):
        signature(1, scalar)


@pytest.mark.parametrize("digest", [-1, 0, 2**251])
def test_a_digest_out_of_range_is_not_signed(digest: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        signature(digest, 1)


def test_parts_that_meet_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the same part makes two equal points, whose sum the formula does not have."""
    drawn = iter([6, 4])
    monkeypatch.setattr("tileproof.adapters.starknet.curve.secrets.randbelow", lambda _: next(drawn))
    assert times_generator(14)[0] == private_to_stark_key(14)
    assert next(drawn, None) is None


@given(SCALARS)
def test_every_multiple_lies_on_the_curve(scalar: int) -> None:
    beta = 0x6F21413EFBE40DE150E596D72F7A8C5609AD26C15C915C1F4CDFCB99CEE9E89
    x, y = times_generator(scalar)
    assert (y * y - x**3 - x - beta) % FIELD_PRIME == 0


def test_a_transaction_is_signed_as_the_librarys_own_signer_does() -> None:
    key, bounds = 0x1234567, ResourceBounds(max_amount=1, max_price_per_unit=2)
    call: dict[str, Any] = {"version": 3, "signature": [], "nonce": 7, "tip": 0}
    invoke = InvokeV3(
        sender_address=0x99,
        calldata=[1, 2, 3],
        resource_bounds=ResourceBoundsMapping(l1_gas=bounds, l2_gas=bounds, l1_data_gas=bounds),
        **call,
    )
    theirs = StarkCurveSigner(0x99, KeyPair.from_private_key(key), 0x534E)
    ours = KeySigner(key, 0x534E)
    assert ours.sign_transaction(invoke) == theirs.sign_transaction(invoke)
    assert ours.public_key == theirs.public_key


@given(some.text(some.characters(codec="ascii"), min_size=1).filter(lambda name: not name.startswith("__")))
def test_a_selector_is_the_librarys(name: str) -> None:
    assert selector_of(name) == get_selector_from_name(name)
