"""New accounts of OpenZeppelin's class: their address, what their deployment costs, and the deployment."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from ...domain.errors import InputError
from ...domain.job import Address
from ...domain.money import Fri
from .account_state import check_deployed
from .accounts import Signer
from .curve import EC_ORDER, public_key
from .deploy import POLL_SECONDS, STRK
from .library import Call, DeployAccountV3, Deployer, compute_address
from .node import Node, open_node
from .signing import account_of

OPEN_ZEPPELIN = 0x05B4B537EAA2399E3AA99C4E2E0208EBD6C71BC1467938CD52C798C601E43564
"""OpenZeppelin's account 1.0.0, which sncast uses too: declared on the public networks and on devnet."""
NETWORKS = {"SN_SEPOLIA": "alpha-sepolia", "SN_MAIN": "alpha-mainnet"}
"""sncast's names of the public networks, by their chain's id."""
_FUNDING = {
    "SN_SEPOLIA": "ask a faucet of Starknet Sepolia for STRK",
    "SN_MAIN": "send it STRK from a wallet or an exchange",
}


@dataclass(frozen=True, slots=True)
class AccountDeployment:
    """What the deployment of an account may cost at most, what it holds, and where money comes from."""

    address: Address
    most: Fri
    wallet: Fri
    funding: str


def new_signer() -> Signer:
    """Returns a new key with the address that its account will have."""
    key = 1 + secrets.randbelow(EC_ORDER - 1)
    return Signer(address_of(key), key)


def address_of(key: int) -> Address:
    """Returns the address of this key's account of OpenZeppelin's class."""
    own = public_key(key)
    return Address(
        compute_address(class_hash=OPEN_ZEPPELIN, constructor_calldata=[own], salt=own, deployer_address=0)
    )


def network_name(rpc_url: str) -> str:
    """Returns the section of an accounts file for the network of this node. Raises as ``open_node``."""
    node, chain_id = open_node(rpc_url)
    node.close()
    chain = _name(chain_id)
    return NETWORKS.get(chain, chain)


def plan_deployment(rpc_url: str, signer: Signer) -> AccountDeployment:
    """Returns what a deployment means, without sending anything. Raises as ``deploy_account``."""
    node, chain_id = open_node(rpc_url)
    try:
        return _plan(node, chain_id, signer, _signed(node, chain_id, signer))
    finally:
        node.close()


def deploy_account(rpc_url: str, signer: Signer) -> tuple[AccountDeployment, int]:
    """Deploys the account and returns what that meant, and the transaction's hash.

    Raises InputError ``account.deployed_already``, ``account.other_class``,
    ``money.balance_too_small``; otherwise as ``Node.run``.
    """
    node, chain_id = open_node(rpc_url)
    try:
        signed = _signed(node, chain_id, signer)
        plan = _plan(node, chain_id, signer, signed)
        if plan.wallet < plan.most:
            raise InputError(
                "money.balance_too_small",
                f"deploying {plan.address} may cost {plan.most}, and its wallet holds {plan.wallet}",
                remedy=plan.funding,
                address=plan.address,
            )
        sent = node.run(node.client.deploy_account(signed))
        node.run(node.client.wait_for_tx(sent.transaction_hash, check_interval=POLL_SECONDS))
        check_deployed(node, signer.address)
        return plan, sent.transaction_hash
    finally:
        node.close()


def deploy_accounts(rpc_url: str, payer: Signer, others: Sequence[Signer]) -> None:
    """Deploys the account of ``payer``, then the others in one transaction of it. Skips those that exist.

    Each key's account must have the address that ``address_of`` gives. Raises as ``deploy_account``.
    """
    node, chain_id = open_node(rpc_url)
    try:
        if not node.has_contract(payer.address):
            deploy_account(rpc_url, payer)
        calls = [_deployment(signer) for signer in others if not node.has_contract(signer.address)]
        if calls:
            sent = node.run(account_of(node, chain_id, payer).execute_v3(calls, auto_estimate=True))
            node.run(node.client.wait_for_tx(sent.transaction_hash, check_interval=POLL_SECONDS))
    finally:
        node.close()


def _deployment(signer: Signer) -> Call:
    own = signer.public_key
    deployment = Deployer().create_contract_deployment_raw(
        class_hash=OPEN_ZEPPELIN, salt=own, raw_calldata=[own]
    )
    if deployment.address != signer.address.felt:
        raise ValueError(f"{signer.address} is not the address of its key's account")
    return deployment.call


def _signed(node: Node, chain_id: int, signer: Signer) -> DeployAccountV3:
    if address_of(signer.private_key) != signer.address:
        raise InputError(
            "account.other_class",
            f"{signer.address} is not the address of this key's OpenZeppelin account",
            remedy="deploy it with the wallet that made it, or make a new one: `tileproof account create`",
            address=signer.address,
        )
    if node.has_contract(signer.address):
        raise InputError(
            "account.deployed_already",
            f"the account {signer.address} is deployed",
            remedy="use it; `tileproof account show` says what it holds",
            address=signer.address,
        )
    own = signer.public_key
    return node.run(
        account_of(node, chain_id, signer).sign_deploy_account_v3(
            class_hash=OPEN_ZEPPELIN,
            contract_address_salt=own,
            constructor_calldata=[own],
            auto_estimate=True,
        )
    )


def _plan(node: Node, chain_id: int, signer: Signer, signed: DeployAccountV3) -> AccountDeployment:
    bounds = signed.resource_bounds
    most = sum(
        each.max_amount * each.max_price_per_unit
        for each in (bounds.l1_gas, bounds.l2_gas, bounds.l1_data_gas)
    )
    low, high = node.call(STRK, "balance_of", [signer.address.felt], "latest")
    funding = _FUNDING.get(
        _name(chain_id), f"send it STRK; on a devnet `tileproof --account {signer.address} account faucet`"
    )
    return AccountDeployment(
        signer.address, Fri(most), Fri(low + (high << 128)), f"{funding}: {signer.address}"
    )


def _name(chain_id: int) -> str:
    return chain_id.to_bytes(32, "big").lstrip(b"\0").decode("ascii", "replace")
