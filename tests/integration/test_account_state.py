"""Accounts that cannot act are named before anything is sent, and new ones are made and deployed."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from tileproof.adapters.starknet.account_deploy import address_of, new_signer, plan_deployment
from tileproof.adapters.starknet.accounts import Signer, mint
from tileproof.adapters.starknet.deploy import STRK
from tileproof.adapters.starknet.ledger import connect
from tileproof.domain.errors import ConfigError, TileproofError
from tileproof.domain.job import Address
from tileproof.domain.money import parse_strk

from tests.e2e.user import User
from tests.services.devnet import Deployment

pytestmark = pytest.mark.devnet
NOWHERE = Address(0x05F1E2D3C4B5A69788796A5B4C3D2E1F00112233445566778899AABBCCDDEEFF % 2**251)


@pytest.fixture
def user(tmp_path: Path, deployment: Deployment) -> User:
    user = User(tmp_path)
    user.env = {
        "STARKNET_RPC": deployment.rpc_url,
        "JOB_REGISTRY_ADDRESS": str(deployment.contract),
        "IPFS_API": "/ip4/127.0.0.1/tcp/9/http",
    }
    return user


def refusal(deployment: Deployment, signer: Signer) -> TileproofError:
    with pytest.raises(ConfigError) as caught:
        connect(deployment.rpc_url, deployment.contract, signer)
    assert caught.value.remedy
    return caught.value


def test_an_account_that_cannot_act_is_named_by_what_is_wrong_with_it(deployment: Deployment) -> None:
    """Money makes no account deployed; token and registry are contracts, but no accounts."""
    mine, other = deployment.signers[:2]
    mint(deployment.rpc_url, NOWHERE, parse_strk("5"))
    undeployed = refusal(deployment, Signer(NOWHERE, 0x1234567))
    assert undeployed.code == "account.not_deployed"
    assert str(NOWHERE) in undeployed.message
    assert refusal(deployment, Signer(mine.address, other.private_key)).code == "account.wrong_key"
    for address in (STRK, deployment.contract):
        assert refusal(deployment, Signer(address, 0x1234567)).code == "account.not_an_account"
    signer = new_signer()
    assert address_of(signer.private_key) == signer.address
    with pytest.raises(TileproofError) as caught:
        plan_deployment(deployment.rpc_url, Signer(NOWHERE, signer.private_key))
    assert caught.value.code == "account.other_class"


def test_every_command_and_the_doctor_name_an_account_that_cannot_act(
    user: User, deployment: Deployment
) -> None:
    mine, other = deployment.signers[:2]
    cases = {
        "account.not_deployed": (str(NOWHERE), "0x1234567"),
        "account.wrong_key": (str(mine.address), hex(other.private_key)),
    }
    for code, (account, key) in cases.items():
        env = {"STARKNET_ACCOUNT": account, "STARKNET_PRIVATE_KEY": key}
        user.refused(["account", "bond", "1", "--dry-run"], 3, code, **env)
        found = {
            finding["what"]: finding
            for finding in json.loads(user.run("doctor", "--json", **env).stdout)["findings"]
        }
        assert found["account"]["state"] == "wrong"
        assert found["account"]["remedy"]
    shown = user.answer("account", "show", STARKNET_ACCOUNT=str(NOWHERE))
    assert shown["deployed"] is False


def test_a_new_account_is_made_paid_for_and_deployed(user: User, deployment: Deployment) -> None:
    accounts = user.folder / "keys" / "accounts.json"
    env = {"TILEPROOF_ACCOUNTS_FILE": str(accounts)}
    user.answer("account", "create", "me", "--dry-run", **env)
    assert not accounts.exists()
    made = user.answer("account", "create", "me", **env)
    assert stat.S_IMODE(accounts.stat().st_mode) == 0o600
    entry = json.loads(accounts.read_text())[made["network"]]["me"]
    assert (entry["address"], entry["type"], entry["deployed"]) == (made["address"], "open_zeppelin", False)
    assert entry["private_key"] not in json.dumps(made)
    user.refused(["account", "create", "me"], 2, "account.exists", **env)
    env["STARKNET_ACCOUNT"] = "me"
    plan = user.answer("account", "deploy", "--dry-run", **env)
    assert int(plan["at_most_fri"]) > 0
    poor = user.refused(["account", "deploy"], 2, "money.balance_too_small", **env)
    assert made["address"] in poor["remedy"]
    user.answer("account", "faucet", "10", **env)
    assert user.answer("account", "deploy", **env)["sent"] is True
    assert json.loads(accounts.read_text())[made["network"]]["me"] == {**entry, "deployed": True}
    assert stat.S_IMODE(accounts.stat().st_mode) == 0o600
    user.refused(["account", "deploy"], 2, "account.deployed_already", **env)
    assert user.answer("account", "bond", "1", **env)["sent"] is True
