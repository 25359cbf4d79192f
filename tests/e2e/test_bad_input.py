"""Bad input: a clear error, a stable code, nothing spent, nothing left behind.

Every case goes through the command line's own process, as a user's would.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from tileproof.adapters.blender.find import BlenderBuild
from tileproof.adapters.ipfs.kubo import KuboStore
from tileproof.domain.cid import Cid

from tests.e2e.stage import Stage
from tests.e2e.user import WITHOUT_LANDLOCK, User, on_a_small_disk
from tests.services.blender import Tiny

CLOSED_PORT = 9  # discard: nothing listens there
UNAUDITABLE = {
    "compositing": "compositing",
    "path_guiding": "path_guiding",
    "time_limit": "time_limit",
    "eevee": "eevee",
    "unbaked_simulation": "unbaked_simulation",
    "simulation_nodes": "unbaked_simulation",
}
"""Variants of scenes/tiny.py that no audit can judge exactly yet, and the name it is refused by."""
OF_EACH_KIND = ("compositing", "unbaked_simulation")
"""Those that `make test` tries: a node and a modifier."""
UNKNOWN_CID = str(Cid.of_raw_block(b"nobody has these bytes"))


@pytest.fixture(scope="session")
def scenes(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("handed-in")
    for variant in ("plain", "no_camera", "missing_texture", *UNAUDITABLE):
        shutil.copy(tiny(variant), out)
    whole = (out / "plain.blend").read_bytes()
    (out / "truncated.blend").write_bytes(whole[: len(whole) // 2])
    (out / "picture.blend").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    return out


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


@pytest.fixture
def artist(user: User, scenes: Path) -> User:
    """A user with scenes, an account, and no network at all."""
    for scene in scenes.glob("*.blend"):
        shutil.copy(scene, user.folder)
    user.env = {
        "STARKNET_RPC": f"http://127.0.0.1:{CLOSED_PORT}/rpc",
        "JOB_REGISTRY_ADDRESS": "0x1234",
        "STARKNET_ACCOUNT": "0x5678",
        "STARKNET_PRIVATE_KEY": "0x9abc",
        "IPFS_API": f"/ip4/127.0.0.1/tcp/{CLOSED_PORT}/http",
    }
    return user


@pytest.mark.blender
@pytest.mark.parametrize(
    ("file", "options", "code"),
    [
        ("absent.blend", [], "scene.missing"),
        pytest.param("picture.blend", [], "scene.not_blend", marks=pytest.mark.long),
        ("truncated.blend", [], "scene.truncated"),
        pytest.param("no_camera.blend", [], "scene.no_camera", marks=pytest.mark.long),
        ("plain.blend", ["--frames", "0-4"], "frames.outside_range"),
        pytest.param("plain.blend", ["--frames", "1-11"], "frames.outside_range", marks=pytest.mark.long),
        pytest.param("plain.blend", ["--frames", "1-"], "frames.malformed", marks=pytest.mark.long),
        pytest.param("plain.blend", ["--frames", "4-1"], "frames.malformed", marks=pytest.mark.long),
        pytest.param("plain.blend", ["--split", "65x1"], "split.too_many_regions", marks=pytest.mark.long),
        pytest.param("plain.blend", ["--split", "four"], "split.malformed", marks=pytest.mark.long),
        pytest.param("plain.blend", ["--resolution", "big"], "resolution.malformed", marks=pytest.mark.long),
        pytest.param("plain.blend", ["--samples", "0"], "samples.malformed", marks=pytest.mark.long),
        ("plain.blend", ["--camera", "Nobody"], "scene.unknown_camera"),
        pytest.param("plain.blend", ["--bond", "-1"], "money.malformed", marks=pytest.mark.long),
    ],
)
def test_a_scene_or_wish_that_cannot_be_rendered_is_refused_by_name(
    artist: User, file: str, options: list[str], code: str
) -> None:
    artist.refused(["client", "submit", file, "--reward", "1", *options], 2, code)


@pytest.mark.parametrize(
    ("reward", "code"), [("0", "terms.reward_zero"), ("-1", "money.malformed"), ("1e3", "money.malformed")]
)
def test_a_reward_that_is_none_is_refused(user: User, reward: str, code: str) -> None:
    user.refused(["client", "submit", "x.blend", "--reward", reward], 2, code)


@pytest.mark.blender
def test_a_missing_file_of_the_scene_is_named(artist: User) -> None:
    error = artist.refused(
        ["client", "submit", "missing_texture.blend", "--reward", "1"], 2, "scene.files_missing"
    )
    assert "gone.png" in error["message"]


@pytest.mark.blender
@pytest.mark.parametrize(
    ("variant", "name"),
    [
        pytest.param(*pair, marks=() if pair[0] in OF_EACH_KIND else pytest.mark.long)
        for pair in UNAUDITABLE.items()
    ],
)
def test_what_no_audit_can_judge_yet_is_refused_by_name(artist: User, variant: str, name: str) -> None:
    error = artist.refused(["client", "submit", f"{variant}.blend", "--reward", "1"], 2, "scene.unauditable")
    assert error["data"] == {"unauditable": name}
    assert error["message"].endswith(f"uses {name}")


def test_a_person_reads_the_same_code_and_remedy_as_a_script(user: User) -> None:
    error = user.refused(["client", "submit", "absent.blend", "--reward", "0"], 2, "terms.reward_zero")
    done = user.run("client", "submit", "absent.blend", "--reward", "0")
    assert done.returncode == 2
    assert done.stderr == f"error {error['code']}: {error['message']}\n  → {error['remedy']}\n"


@pytest.mark.blender
def test_a_node_that_does_not_answer_is_a_service_that_failed(artist: User) -> None:
    artist.refused(["client", "submit", "plain.blend", "--reward", "1"], 6, "ledger.unreachable")
    artist.refused(["client", "status", "1"], 6, "ledger.unreachable")


def test_what_is_not_set_is_said_before_anything_is_tried(user: User) -> None:
    user.refused(["client", "status", "1"], 3, "config.missing")
    user.refused(["client", "list"], 3, "account.not_set")
    user.refused(["--network", "localnet", "client", "status", "1"], 3, "config.unknown_network")


def test_a_setting_nobody_knows_is_named_in_a_file_and_passed_over_in_the_environment(user: User) -> None:
    user.refused(["client", "status", "1"], 3, "config.missing", TILEPROOF_PORT="tcp://10.0.0.1:80")
    done = user.run("client", "status", "1", TILEPROOF_PORT="tcp://10.0.0.1:80")
    assert "TILEPROOF_PORT" in done.stderr
    assert "10.0.0.1" not in done.stderr


def test_a_key_file_that_others_can_read_is_refused(user: User) -> None:
    accounts = user.folder / "accounts.json"
    accounts.write_text('{"net": {"me": {"address": "0x1", "private_key": "0xdecafbad"}}}')
    accounts.chmod(0o644)
    env = {"TILEPROOF_ACCOUNTS_FILE": str(accounts), "STARKNET_ACCOUNT": "me"}
    error = user.refused(["account", "show"], 3, "account.key_exposed", **env)
    assert "decafbad" not in str(error)


@pytest.mark.parametrize(
    "cid", ["bafynope", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", "", "../etc/passwd"]
)
def test_a_cid_that_is_none_is_refused(user: User, cid: str) -> None:
    user.refused(["client", "manifest", cid], 2, "cid.malformed")


def test_an_ipfs_node_that_is_down_is_a_service_that_failed(artist: User) -> None:
    artist.refused(["client", "manifest", UNKNOWN_CID], 6, "content.unreachable")


def test_an_ipfs_address_that_is_none_is_refused(user: User) -> None:
    user.refused(["client", "manifest", UNKNOWN_CID], 3, "content.bad_address", IPFS_API="/ip4/127.0.0.1")


def test_a_blender_that_is_not_there_or_of_another_version_is_named(
    artist: User, blender: BlenderBuild
) -> None:
    command = ["client", "inspect", "plain.blend"]
    artist.refused(command, 4, "blender.missing", BLENDER_PATH=str(artist.folder / "blender"))
    artist.refused(
        command,
        4,
        "blender.wrong_version",
        BLENDER_PATH=str(blender.executable),
        TILEPROOF_BLENDER_VERSION="4.5.14",
    )


class _Answers(BaseHTTPRequestHandler):
    """A service of the wrong age: whatever is asked, it says which version it is."""

    answer: Mapping[str, object] = {}

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps(self.answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def old_service(request: pytest.FixtureRequest) -> Iterator[int]:
    handler = type("Handler", (_Answers,), {"answer": request.param})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("old_service", [{"jsonrpc": "2.0", "id": 0, "result": "0.7.1"}], indirect=True)
def test_a_node_that_speaks_another_rpc_is_named(artist: User, old_service: int) -> None:
    artist.refused(
        ["client", "status", "1"],
        3,
        "ledger.wrong_spec",
        STARKNET_RPC=f"http://127.0.0.1:{old_service}/rpc",
    )


@pytest.mark.parametrize("old_service", [{"Version": "0.12.0"}], indirect=True)
def test_a_kubo_that_is_too_old_is_named(artist: User, old_service: int) -> None:
    artist.refused(
        ["client", "manifest", UNKNOWN_CID],
        6,
        "content.too_old",
        IPFS_API=f"/ip4/127.0.0.1/tcp/{old_service}/http",
    )


@dataclass
class Account:
    """A user with an account and an IPFS node, both of which must come out as they went in."""

    user: User
    stage: Stage

    def state(self) -> tuple[object, ...]:
        request = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "starknet_getNonce",
            "params": {
                "block_id": "latest",
                "contract_address": hex(self.stage.network.address("requester").felt),
            },
        }
        nonce = httpx2.post(self.stage.network.rpc_url, json=request).json()["result"]
        return nonce, self.store().pins(), self.user.files()

    def store(self) -> KuboStore:
        return KuboStore(self.stage.network.nodes[0].api)

    def refused(self, arguments: list[str], status: int, code: str, **env: str) -> None:
        before = self.state()
        self.user.refused(arguments, status, code, **env)
        assert self.state() == before, "nothing was spent and nothing is left behind"


@pytest.fixture
def account(artist: User, quiet: Stage) -> Account:
    artist.env = {
        "TILEPROOF_NETWORK": str(quiet.network.network_file),
        "STARKNET_ACCOUNT": "requester",
    }
    return Account(artist, quiet)


def submitting(*options: str) -> list[str]:
    return ["client", "submit", "plain.blend", "--reward", "1", *options]


@pytest.mark.devnet
@pytest.mark.kubo
@pytest.mark.blender
@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--reward", "10000000"], "money.balance_too_small"),
        (["--committee", "7"], "terms.too_few_verifiers"),
        pytest.param(["--committee", "2"], "terms.committee_size", marks=pytest.mark.long),
        pytest.param(["--audit-rate", "0.01"], "terms.audit_rate", marks=pytest.mark.long),
        pytest.param(["--audit-fee", "50"], "terms.audit_fee", marks=pytest.mark.long),
        pytest.param(["--bond", "0.1"], "terms.bond", marks=pytest.mark.long),
        pytest.param(["--lease", "1"], "terms.lease", marks=pytest.mark.long),
        pytest.param(["--deadline", "100000"], "terms.deadline", marks=pytest.mark.long),
        pytest.param(["--deadline", "0.01", "--lease", "60"], "terms.deadline", marks=pytest.mark.long),
    ],
)
def test_terms_that_cannot_be_kept_are_refused_before_anything_moves(
    account: Account, options: list[str], code: str
) -> None:
    account.refused(submitting(*options), 2, code)


@pytest.mark.devnet
@pytest.mark.kubo
@pytest.mark.blender
@pytest.mark.parametrize(
    ("env", "status", "code"),
    [
        ({"JOB_REGISTRY_ADDRESS": "0x1234"}, 3, "ledger.no_contract"),
        ({"STARKNET_ACCOUNT": "nobody"}, 3, "account.unknown"),
        ({"IPFS_API": f"/ip4/127.0.0.1/tcp/{CLOSED_PORT}/http"}, 6, "content.unreachable"),
        ({"STARKNET_RPC": f"http://127.0.0.1:{CLOSED_PORT}/rpc"}, 6, "ledger.unreachable"),
        ({"TILEPROOF_FEE_PER_TX": "0.000000001"}, 3, "fees.above_cap"),
    ],
)
def test_a_service_that_is_down_or_another_leaves_everything_as_it_was(
    account: Account, env: dict[str, str], status: int, code: str
) -> None:
    account.refused(submitting(), status, code, **env)


@pytest.mark.devnet
@pytest.mark.kubo
@pytest.mark.blender
def test_a_token_contract_is_not_taken_for_the_registry(account: Account) -> None:
    token = "0x04718f5a0fc34cc1af16a1cdee98ffb20c31f5cd61d6ab07201858f4287c938d"
    account.refused(submitting(), 3, "ledger.wrong_contract", JOB_REGISTRY_ADDRESS=token)


@pytest.mark.devnet
@pytest.mark.kubo
@pytest.mark.blender
def test_a_node_of_another_chain_is_refused(account: Account) -> None:
    folder = account.stage.network.folder
    other = account.user.folder / "other.toml"
    text = account.stage.network.network_file.read_text()
    text = text.replace('"accounts.json"', f'"{folder}/accounts.json"')
    other.write_text("chain_id = 0x534e5f4d41494e\n" + text)
    account.refused(submitting(), 3, "ledger.wrong_chain", TILEPROOF_NETWORK=str(other))


@pytest.mark.kubo
@pytest.mark.devnet
def test_content_that_nobody_has_is_given_up_in_time(account: Account) -> None:
    account.refused(["client", "manifest", UNKNOWN_CID], 6, "content.not_found", TILEPROOF_FETCH_SECONDS="2")


@pytest.mark.kubo
@pytest.mark.devnet
def test_content_larger_than_allowed_is_refused(account: Account) -> None:
    large = bytes(1_500_000)
    api = account.stage.network.nodes[0].api.split("/")
    put = f"http://{api[2]}:{api[4]}/api/v0/block/put?cid-codec=raw&allow-big-block=true"
    httpx2.post(put, files={"data": large}).raise_for_status()
    account.refused(["client", "manifest", str(Cid.of_raw_block(large))], 5, "content.too_large")


@pytest.mark.kubo
@pytest.mark.devnet
def test_bytes_that_are_no_manifest_are_refused(account: Account) -> None:
    cid = account.store().add_block(b'{"version":1}')
    account.refused(["client", "manifest", str(cid)], 5, "manifest.malformed")
    account.store().unpin(cid)


@pytest.mark.devnet
@pytest.mark.kubo
@pytest.mark.blender
@pytest.mark.parametrize(
    "command",
    [
        ["client", "status", "99999"],
        pytest.param(["client", "watch", "99999"], marks=pytest.mark.long),
        pytest.param(["client", "fetch", "99999"], marks=pytest.mark.long),
        pytest.param(["client", "logs", "99999"], marks=pytest.mark.long),
        ["client", "cancel", "99999"],
        pytest.param(["client", "pause", "99999"], marks=pytest.mark.long),
        pytest.param(["client", "retry", "99999", "--reward", "1"], marks=pytest.mark.long),
        pytest.param(["verifier", "audit", "99999", "0"], marks=pytest.mark.long),
    ],
)
def test_a_job_that_does_not_exist_is_named(account: Account, command: list[str]) -> None:
    account.refused(command, 2, "job.unknown")


@pytest.mark.devnet
@pytest.mark.kubo
@pytest.mark.blender
def test_money_that_is_not_there_cannot_be_moved(account: Account) -> None:
    account.refused(["account", "bond", "10000000"], 2, "money.balance_too_small")
    account.refused(["account", "withdraw", "10000000"], 2, "money.balance_too_small")
    account.refused(["account", "bond"], 2, "bond.what")


@pytest.mark.devnet
@pytest.mark.kubo
@pytest.mark.blender
def test_a_dry_run_of_everything_that_spends_spends_nothing(account: Account) -> None:
    before = account.state()
    for command in (
        submitting(),
        ["account", "bond", "1"],
        ["account", "bond", "--seat"],
        ["account", "exit"],
    ):
        done = account.user.run(*command, "--dry-run", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["sent"] is False
    assert account.state() == before


@pytest.mark.blender
def test_a_disk_without_room_for_the_scene_is_named(artist: User, blender: BlenderBuild) -> None:
    small = artist.folder / "small"
    artist.under = on_a_small_disk(small, "128k")
    artist.refused(
        ["client", "submit", "plain.blend", "--reward", "1"],
        4,
        "machine.disk_full",
        TILEPROOF_CACHE=str(small),
        BLENDER_PATH=str(blender.executable),
    )


@pytest.mark.parametrize("role", ["worker", "verifier"])
def test_a_machine_without_a_sandbox_opens_no_stranger_s_scene(artist: User, role: str) -> None:
    artist.under = (sys.executable, "-c", WITHOUT_LANDLOCK)
    done = artist.run(role, "run", PATH="/nowhere")
    assert done.returncode == 4
    assert "sandbox.unavailable" in done.stderr
    assert "--no-sandbox" in done.stderr
