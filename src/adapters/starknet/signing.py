"""The library's own signatures in a fiftieth of its time, as a signer that its accounts take."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from crypto_cpp_py.utils import cpp_generate_k_rfc6979

from .curve import EC_ORDER, public_key, times_generator
from .library import (
    Account,
    AccountTransaction,
    BaseSigner,
    DeclareV3,
    TransactionHashPrefix,
    TypedData,
    compute_declare_v3_transaction_hash,
)

if TYPE_CHECKING:
    from .accounts import Signer
    from .node import Node

_SEED = 32
"""The extra entropy that starknet-py gives RFC 6979: signatures are the same bits."""
_LARGEST = 2**251
"""Digest, r and s⁻¹ lie below, as in StarkWare's own verifier."""


def signature(digest: int, private_key: int) -> tuple[int, int]:
    """Returns r and s, bit for bit as ``starknet_py.hash.utils.message_signature`` does.

    Raises ValueError for a digest, a key or a signature out of range.
    """
    if not (0 < digest < _LARGEST and 0 < private_key < EC_ORDER):
        raise ValueError("the digest or the key is out of range")
    k = cpp_generate_k_rfc6979(digest, private_key, _SEED)
    r = times_generator(k)[0]
    veil = 1 + secrets.randbelow(EC_ORDER - 1)  # no inversion and no product of a secret by itself
    product = (digest * veil + r * (private_key * veil % EC_ORDER)) % EC_ORDER
    inverse = pow(k * veil % EC_ORDER, -1, EC_ORDER)
    s = product * inverse % EC_ORDER
    if not (0 < r < _LARGEST and s and 0 < pow(s, -1, EC_ORDER) < _LARGEST):
        raise ValueError("the signature is out of range; another digest has another one")
    return r, s


class KeySigner(BaseSigner):
    """Signs with one key, for accounts of starknet-py."""

    def __init__(self, private_key: int, chain_id: int) -> None:
        self._private_key, self._chain_id = private_key, chain_id

    @property
    def public_key(self) -> int:
        return public_key(self._private_key)

    def sign_transaction(self, transaction: AccountTransaction) -> list[int]:
        return list(signature(transaction.calculate_hash(self._chain_id), self._private_key))

    def sign_message(self, typed_data: TypedData, account_address: int) -> list[int]:
        return list(signature(typed_data.message_hash(account_address), self._private_key))


class ClassSigner(KeySigner):
    """A signer that knows the hash of the class that it declares. The library would compute it, which
    takes seconds, for the estimate and again for the transaction."""

    def __init__(self, private_key: int, chain_id: int, class_hash: int) -> None:
        super().__init__(private_key, chain_id)
        self._class_hash = class_hash

    def sign_transaction(self, transaction: AccountTransaction) -> list[int]:
        if not isinstance(transaction, DeclareV3):
            return super().sign_transaction(transaction)
        digest = compute_declare_v3_transaction_hash(
            class_hash=self._class_hash,
            compiled_class_hash=transaction.compiled_class_hash,
            account_deployment_data=transaction.account_deployment_data,
            common_fields=transaction.get_common_fields(
                tx_prefix=TransactionHashPrefix.DECLARE,
                address=transaction.sender_address,
                chain_id=self._chain_id,
            ),
        )
        return list(signature(digest, self._private_key))


def account_of(node: Node, chain_id: int, signer: Signer, *, class_hash: int | None = None) -> Account:
    """Returns the library's account for this signer, on the chain that the node serves.

    With ``class_hash`` it may declare the class of that hash, and no other.
    """
    key = signer.private_key
    own = KeySigner(key, chain_id) if class_hash is None else ClassSigner(key, chain_id, class_hash)
    return Account(address=signer.address.felt, client=node.client, signer=own, chain=chain_id)
