"""What people have in their environment and paste into it, tried on whole commands.

Each command works, or its error names what was meant and what to write.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tileproof.adapters.starknet.accounts import Signer, mint, write_sncast
from tileproof.adapters.starknet.deploy import deploy_registry
from tileproof.adapters.starknet.ledger import connect
from tileproof.domain.job import Address
from tileproof.domain.money import parse_strk
from tileproof.localnet.devnet import Devnet

from tests.e2e.user import User
from tests.fakes.ledger import BOUNDS
from tests.services.kubo import Kubo

pytestmark = pytest.mark.devnet
NOWHERE = Signer(Address(0x05F1E2D3C4B5A69788796A5B4C3D2E1F00112233445566778899AABBCCDDEEFF), 0x1234567)
CLOSED = "http://127.0.0.1:9"
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")


@dataclass(frozen=True)
class Ground:
    """A chain with a contract, and an account on it that has money."""

    rpc_url: str
    contract: Address
    signer: Signer
    verifier: Signer


@pytest.fixture(scope="module")
def ground(devnet: Devnet, signers: tuple[Signer, ...]) -> Ground:
    contract = deploy_registry(devnet.rpc_url, signers[-1], bounds=BOUNDS).address
    return Ground(devnet.rpc_url, contract, signers[0], signers[1])


@pytest.fixture
def user(tmp_path: Path, ground: Ground) -> User:
    """Somebody whose settings all work; no IPFS node is there."""
    user = User(tmp_path)
    accounts = tmp_path / "accounts.json"
    write_sncast(accounts, "devnet", {"requester": ground.signer})
    user.env = {
        "STARKNET_RPC": ground.rpc_url,
        "JOB_REGISTRY_ADDRESS": str(ground.contract),
        "TILEPROOF_ACCOUNTS_FILE": str(accounts),
        "STARKNET_ACCOUNT": "requester",
        "IPFS_API": "/ip4/127.0.0.1/tcp/9/http",
        "NO_PROXY": "",
        "no_proxy": "",
    }
    return user


def finding(user: User, what: str, **env: str) -> dict[str, Any]:
    """What the doctor says of one thing."""
    done = user.run("doctor", "--json", **env)
    assert done.returncode in (0, 4), done.stderr[-2000:]
    found: dict[str, dict[str, Any]] = {each["what"]: each for each in json.loads(done.stdout)["findings"]}
    return found.get(what, {})


def outcome(user: User, *arguments: str, **env: str) -> tuple[str, str]:
    """The error's code, or "" for a command that went well; and all that was printed."""
    done = user.run(*arguments, "--json", **env)
    printed = done.stdout + done.stderr
    assert done.returncode != 70, printed
    assert "Traceback" not in printed
    if done.returncode == 0:
        return "", printed
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert error["message"]
    assert error["remedy"]
    return error["code"], printed


# --- an account that is funded and was never deployed ---


@pytest.fixture
def undeployed(ground: Ground) -> dict[str, str]:
    """The settings of an account that has money and was never deployed."""
    mint(ground.rpc_url, NOWHERE.address, parse_strk("5"))
    return {"STARKNET_ACCOUNT": str(NOWHERE.address), "STARKNET_PRIVATE_KEY": hex(NOWHERE.private_key)}


def test_an_account_that_was_never_deployed_is_named_before_anything_is_sent(
    user: User, undeployed: dict[str, str]
) -> None:
    user.refused(["account", "bond", "1"], 3, "account.not_deployed", **undeployed)
    assert user.answer("account", "show", **undeployed)["deployed"] is False
    found = finding(user, "account", **undeployed)
    assert found["state"] == "wrong"
    assert "account deploy" in found["remedy"]


@pytest.mark.long
@pytest.mark.blender
def test_an_account_that_was_never_deployed_submits_nothing(
    user: User, undeployed: dict[str, str], tiny: Callable[[str], Path]
) -> None:
    submit = ["client", "submit", str(tiny("adaptive")), "--reward", "1"]
    user.refused([*submit, "--yes"], 3, "account.not_deployed", **undeployed)
    user.refused([*submit, "--dry-run"], 3, "account.not_deployed", **undeployed)


# --- a company's proxy ---


def test_loopback_is_never_asked_through_a_proxy(user: User) -> None:
    env = dict.fromkeys(PROXIES, CLOSED)
    assert finding(user, "Starknet", **env)["state"] == "ok"
    assert outcome(user, "account", "bond", "0.01", **env)[0] == ""


def test_a_proxy_that_nothing_can_use_is_named_where_it_would_be_used(user: User) -> None:
    env = {"ALL_PROXY": "socks://127.0.0.1:9", "all_proxy": "socks://127.0.0.1:9"}
    assert outcome(user, "account", "show", **env)[0] == ""
    found = finding(user, "proxy", **env)
    assert "socks" in found["found"]
    assert found["remedy"]
    code, printed = outcome(user, "account", "show", **env, STARKNET_RPC="https://node.invalid/rpc")
    assert code.startswith("proxy.") or "proxy" in printed


# --- the node's URL ---


def forms_of_url(rpc_url: str) -> dict[str, str]:
    """Every form that people give, and the code of its error; "" where it works."""
    root = rpc_url.removesuffix("/rpc")
    port = root.rpartition(":")[2]
    return {
        root: "",
        f"http://localhost:{port}/rpc": "",
        f"127.0.0.1:{port}/rpc": "",
        f"ws://127.0.0.1:{port}/ws": "ledger.bad_url",
        f"{rpc_url} ": "",
        f"{rpc_url}/": "ledger.not_a_node",
        f"{rpc_url}/v0_8": "ledger.not_a_node",
        f"HTTP://127.0.0.1:{port}/rpc": "",
        f"{rpc_url};{rpc_url}": "",
        f"https://127.0.0.1:{port}/rpc": "ledger.unreachable",
        f"http://127.0.0.1:{port}/wrong": "ledger.not_a_node",
        f"http://operator:hunter2@127.0.0.1:{port}/rpc": "",
    }


@pytest.mark.long
def test_every_form_of_the_nodes_url_works_or_is_named(user: User, ground: Ground) -> None:
    wanted = forms_of_url(ground.rpc_url)
    found = {url: outcome(user, "account", "show", STARKNET_RPC=url) for url in wanted}
    assert {url: code for url, (code, _) in found.items()} == wanted
    assert all("hunter2" not in printed for _, printed in found.values())


def test_no_secret_of_a_nodes_url_is_printed(user: User) -> None:
    secrets = ("hunter2", "0123456789abcdefSECRETKEY")
    for url in (f"http://operator:{secrets[0]}@127.0.0.1:9/rpc", f"https://127.0.0.1:9/v3/{secrets[1]}"):
        code, printed = outcome(user, "account", "show", STARKNET_RPC=url)
        assert code == "ledger.unreachable"
        printed += user.run("account", "show", STARKNET_RPC=url).stderr
        doctor = user.run("doctor", STARKNET_RPC=url)
        printed += doctor.stdout + doctor.stderr + json.dumps(finding(user, "Starknet", STARKNET_RPC=url))
        assert not any(secret in printed for secret in secrets)


# --- addresses, keys and accounts files ---


@pytest.mark.long
def test_every_form_of_an_address_works_or_is_named(user: User, ground: Ground) -> None:
    address = str(ground.signer.address)
    digits = address.removeprefix("0x")
    key = hex(ground.signer.private_key)
    for text in (address, f"0X{digits}", f"0x{digits.upper()}", f" {address}", f'"{address}"'):
        assert (
            user.answer("account", "show", STARKNET_ACCOUNT=text, STARKNET_PRIVATE_KEY=key)["address"]
            == address
        )
    for text in (digits, str(ground.signer.address.felt), f"0x0{digits}00000000"):
        code, printed = outcome(user, "account", "show", STARKNET_ACCOUNT=text, STARKNET_PRIVATE_KEY=key)
        assert code in ("", "account.unreadable"), text
        assert code or json.loads(printed)["address"] == address
        assert not code or "hexadecimal" in printed


@pytest.mark.long
def test_every_form_of_a_key_works_or_is_named_and_none_is_printed(user: User, ground: Ground) -> None:
    digits = f"{ground.signer.private_key:x}"
    env = {"STARKNET_ACCOUNT": str(ground.signer.address)}
    bond = ("account", "bond", "0.001", "--dry-run")
    for text in (f" 0x{digits} ", f'"0x{digits}"'):
        assert outcome(user, *bond, **env, STARKNET_PRIVATE_KEY=text)[0] == ""
    for text in (digits, str(ground.signer.private_key), "0x0", "0x", "not a key"):
        code, printed = outcome(user, *bond, **env, STARKNET_PRIVATE_KEY=text)
        assert code in ("", "account.no_key"), text
        assert not code or "hexadecimal" in printed
        assert len(text) < 8 or text not in printed


@pytest.mark.long
def test_an_accounts_file_of_several_networks_or_of_a_device_is_understood(
    user: User, ground: Ground
) -> None:
    two, led = user.folder / "two.json", user.folder / "led.json"
    for network in ("alpha-sepolia", "alpha-mainnet"):
        write_sncast(two, network, {"requester": ground.signer})
    entry = {"address": str(ground.signer.address), "ledger_path": "m//starknet'/sncast'/0'/0'/0"}
    led.write_text(json.dumps({"alpha-sepolia": {"led": entry}}))
    led.chmod(0o600)
    shown = user.answer("account", "show", TILEPROOF_ACCOUNTS_FILE=str(two))
    assert shown["address"] == str(ground.signer.address)
    env = {"TILEPROOF_ACCOUNTS_FILE": str(led), "STARKNET_ACCOUNT": "led"}
    user.refused(["account", "bond", "1", "--dry-run"], 3, "account.on_ledger", **env)


# --- the IPFS node's address ---


class Gateway(BaseHTTPRequestHandler):
    """Kubo's gateway, as far as it answers to commands: not at all."""

    def do_POST(self) -> None:
        self.send_error(405, "Method Not Allowed")

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.long
@pytest.mark.kubo
def test_every_form_of_the_ipfs_address_works_or_is_named(user: User, kubo: Kubo, gateway: int) -> None:
    port = kubo.api.split("/")[4]
    for text in (
        f"http://127.0.0.1:{port}",
        f"127.0.0.1:{port}",
        f"localhost:{port}",
        f"/dns/localhost/tcp/{port}/http",
        f"/dns4/localhost/tcp/{port}",
        f"/ip4/127.0.0.1/tcp/{port}/http/api/v0",
        f"{kubo.api} ",
    ):
        found = finding(user, "IPFS node", IPFS_API=text)
        assert found["state"] == "ok" or (
            found["remedy"] and "IPFS_API" in found["found"] + found["remedy"]
        ), text
    found = finding(user, "IPFS node", IPFS_API=f"/ip4/127.0.0.1/tcp/{gateway}/http")
    assert found["state"] == "wrong"
    assert "gateway" in found["found"] + found["remedy"]
    assert "<html" not in json.dumps(found).lower()


# --- names of scene files ---


@pytest.mark.long
@pytest.mark.blender
def test_every_name_of_a_scene_file_works_or_is_named(
    user: User, ground: Ground, tiny: Callable[[str], Path]
) -> None:
    with connect(ground.rpc_url, ground.contract, ground.verifier) as ledger:
        ledger.deposit(BOUNDS.seat_bond * 4)
        for _ in range(4):  # enough for a committee of one
            ledger.take_seat()
    submit = ("client", "submit", "--reward", "1", "--committee", "1", "--dry-run")
    scene = tiny("adaptive")
    names: dict[bytes, str] = {
        b"a b (1) & 100% [v2] #3 it's.blend": "",
        b"-final.blend": "",
        b"shot:010.blend": "",
        "Küche 🎬.blend".encode(): "",
        b"scene": "",
        b"scene.blend1": "",
        b"SCENE.BLEND": "",
        b"a\\b.blend": "scene.unusable_name",
        b"two\nlines.blend": "scene.unusable_name",
        b"caf\xe9.blend": "scene.unusable_name",
        b".blend": "",
        b" .blend": "",
        b"x" * 245 + b".blend": "",
    }
    found: dict[bytes, str] = {}
    for name in names:
        folder = user.folder / f"names-{len(found)}"
        folder.mkdir()
        argument = f"{folder}/{name.decode(errors='surrogateescape')}"
        shutil.copy(scene, argument)
        found[name] = outcome(user, *submit, argument)[0]
    assert found == names
