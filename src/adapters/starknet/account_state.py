"""Whether an account can act: it is deployed on this network, and the key is its own.

Nothing is sent. Contracts that tell their key are compared with it; others are asked to judge a
signature.
"""

from __future__ import annotations

from ...domain.errors import ConfigError, LedgerRejected, ServiceError
from ...domain.job import Address
from .accounts import Signer
from .node import Node
from .rpc import selector_of

KEY_VIEWS = ("get_public_key", "getPublicKey", "get_owner", "get_signers", "get_signer")
"""Of OpenZeppelin, of its older form, of Argent and of Braavos."""
_VALID = frozenset({1, int.from_bytes(b"VALID", "big")})
_PROBE = selector_of("tileproof: is this key the account's own?")
"""A digest that no transaction and no typed message has."""


def check_deployed(node: Node, account: Address) -> None:
    """Raises ConfigError ``account.not_deployed`` unless the chain has a contract there; as ``Node.run``."""
    if node.has_contract(account):
        return
    raise ConfigError(
        "account.not_deployed",
        f"the account {account} is not deployed on this network: it can receive money, but not send any",
        remedy="deploy it with `tileproof account deploy` or the wallet that made it; if it is an account of "
        "another network, choose one of this network",
        account=account,
    )


def check_key(node: Node, signer: Signer) -> None:
    """Raises ConfigError ``account.wrong_key`` or ``account.not_an_account``; as ``Node.run``."""
    for view in KEY_VIEWS:
        keys = _told(node, signer.address, view, [])
        if keys:
            if signer.public_key in keys:
                return
            if len(keys) == 1:
                raise _wrong_key(signer.address, "its contract names another public key")
            break
    from .signing import signature  # here: it loads starknet-py, which takes a second

    probe = [_PROBE, 2, *signature(_PROBE, signer.private_key)]
    asked = False
    for view in ("is_valid_signature", "isValidSignature"):
        verdict, exists = _answer(node, signer.address, view, probe)
        asked = asked or exists
        if verdict and verdict[0] in _VALID:
            return
    if asked:
        raise _wrong_key(signer.address, "its contract does not accept a signature by this key alone")
    raise ConfigError(
        "account.not_an_account",
        f"the contract at {signer.address} is not an account: it judges no signatures",
        remedy="choose the address of an account; `tileproof account create` makes one",
        account=signer.address,
    )


def _told(node: Node, account: Address, view: str, calldata: list[int]) -> tuple[int, ...]:
    return _answer(node, account, view, calldata)[0] or ()


def _answer(
    node: Node, account: Address, view: str, calldata: list[int]
) -> tuple[tuple[int, ...] | None, bool]:
    """Returns what the view answers, None for a refusal, and if the contract has the view at all."""
    try:
        return node.call(account, view, calldata, "latest"), True
    except LedgerRejected:
        return None, True
    except ServiceError as error:
        if error.code != "ledger.refused":
            raise
        lacks = error.data.get("rpc_code") == "21" or "ENTRYPOINT_NOT_FOUND" in error.message
        lacks = lacks or "not found in contract" in error.message
        return None, not lacks


def _wrong_key(account: Address, why: str) -> ConfigError:
    return ConfigError(
        "account.wrong_key",
        f"the key does not belong to the account {account}: {why}",
        remedy="set the key that was made with this account, or choose the account that the key belongs to",
        account=account,
    )
