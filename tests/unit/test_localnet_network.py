"""A local network keeps to itself, whatever its user has set."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from tileproof.config import ENVIRONMENT, load
from tileproof.domain.job import Address
from tileproof.localnet.network import OF_ANOTHER_NETWORK, LocalNetwork, Shape

A, B = "/ip4/127.0.0.1/tcp/5001/http", "/ip4/127.0.0.1/tcp/5002/http"


def test_a_role_never_hears_of_the_chain_or_the_keys_that_its_user_has_set(tmp_path: Path) -> None:
    nodes = (SimpleNamespace(api=A), SimpleNamespace(api=B))
    network = LocalNetwork(tmp_path, Shape(), SimpleNamespace(), nodes, Address(1), {})  # type: ignore[arg-type]
    users = {name: "http://elsewhere" for name in ENVIRONMENT if name.startswith("STARKNET_")}
    users |= {"JOB_REGISTRY_ADDRESS": "0x1", "TILEPROOF_HOME": str(tmp_path)}
    settings = load({}, environ={**users, **network.environment("worker-a")})
    assert (settings.rpc_url, settings.account, settings.contract) == (None, None, None)
    assert (settings.keystore, settings.private_key) == (None, None)
    assert settings.ipfs_api == B
    assert set(OF_ANOTHER_NETWORK) <= set(ENVIRONMENT)
