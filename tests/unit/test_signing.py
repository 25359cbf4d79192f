"""Tests sign faster than the library, and no differently."""

from __future__ import annotations

from random import Random

import pytest
from starknet_py.constants import EC_ORDER
from starknet_py.hash.utils import message_signature, private_to_stark_key, verify_message_signature

from tests.services.signing import signature, times_generator

EDGES = (1, 2, 15, 16, 17, 2**250, EC_ORDER - 1)


@pytest.mark.parametrize("key", EDGES)
def test_a_public_key_is_the_librarys(key: int) -> None:
    assert times_generator(key)[0] == private_to_stark_key(key)


@pytest.mark.parametrize("seed", range(6))
def test_a_signature_is_the_librarys_and_holds(seed: int) -> None:
    chance = Random(seed)
    digest, key = chance.randrange(2 ** (251 - 8 * seed)), chance.randrange(1, EC_ORDER)
    found = signature(digest, key)
    assert found == message_signature(digest, key)
    assert verify_message_signature(digest, list(found), private_to_stark_key(key))
    assert not verify_message_signature(digest ^ 1, list(found), private_to_stark_key(key))
