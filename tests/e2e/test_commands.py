"""Every command of a requester, once for real: what it says, what it changes, what Ctrl-C costs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tileproof.adapters.starknet.deploy import LOCAL_BOUNDS

from tests.e2e.ledgerbook import changes, snapshot
from tests.e2e.stage import Stage, wait_until
from tests.e2e.user import WITHOUT_LANDLOCK, User, on_a_small_disk

STRK = 10**18
REWARD, FEE = 1 * STRK, 3 * STRK // 10

pytestmark = [pytest.mark.devnet, pytest.mark.kubo, pytest.mark.blender, pytest.mark.sandbox]


@pytest.fixture
def user(quiet: Stage, tmp_path: Path) -> User:
    """The stage's requester."""
    env = {"TILEPROOF_NETWORK": str(quiet.network.network_file), "STARKNET_ACCOUNT": "requester"}
    return User(tmp_path, env)


def submitting(stage: Stage, *flags: str) -> list[str]:
    return ["client", "submit", str(stage.scenes("plain")), "--reward", "1", *flags]


@pytest.mark.long
def test_a_job_is_followed_from_its_estimate_to_its_pictures(user: User, quiet: Stage) -> None:
    estimate = user.run(*submitting(quiet, "--frames", "1-2", "--dry-run"))
    for words in ("2 frames (1,2)", "2 x (1 reward + 1 x 0.3 audit fee)", "an audit renders", "majority"):
        assert words in estimate.stdout
    assert estimate.stdout.endswith("dry run: nothing was pinned, nothing was spent\n")
    plan = user.answer(*submitting(quiet, "--frames", "1-2", "--dry-run"))["plan"]
    assert (plan["tasks"], plan["escrow_fri"]) == (2, str(2 * (REWARD + FEE)))
    assert plan["sample_plan"]["finds"]
    assert plan["majority"]["seats"] > 0

    job = user.answer(*submitting(quiet, "--frames", "1-2"))["job"]["job_id"]
    listed = {line["job_id"]: line for line in user.answer("client", "list")["jobs"]}
    assert (listed[job]["tasks"], listed[job]["is_final"]) == (2, False)
    assert user.answer("client", "logs", str(job))["entries"] == []
    assert user.answer("client", "pause", str(job), "--dry-run")["sent"] is False
    assert user.answer("client", "status", str(job))["paused"] is False
    assert user.answer("client", "pause", str(job))["sent"] is True
    assert user.answer("client", "status", str(job))["paused"] is True
    assert user.answer("client", "resume", str(job))["sent"] is True
    found = user.answer("client", "status", str(job))
    assert (found["paused"], found["counts"]) == (False, {"Open": 2})
    assert [task["frames"] for task in found["tasks"]] == ["1", "2"]
    unfetched = user.run("client", "fetch", str(job), "--out", "frames")
    assert unfetched.returncode == 8
    assert "missing: task 0 (frames 1) waits for a worker" in unfetched.stdout

    quiet.start("worker-a", *quiet.network.shape.verifiers)
    watched = user.run("client", "watch", str(job))
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout == f"job {job}  2 tasks: 2 paid\n"

    told = [entry["what"] for entry in user.answer("client", "logs", str(job), "--task", "1")["entries"]]
    order = (
        "claimed by",
        "result submitted",
        "drawn for an audit",
        "verdict sealed",
        "says accept",
        "settled",
    )
    assert [next(n for n, what in enumerate(told) if words in what) for words in order] == sorted(
        next(n for n, what in enumerate(told) if words in what) for words in order
    )
    user.under = on_a_small_disk(user.folder / "small", "4k")
    user.refused(["client", "fetch", str(job), "--out", "small/frames"], 4, "machine.disk_full")
    user.under = ()
    fetched = user.answer("client", "fetch", str(job), "--out", "frames")
    assert (fetched["is_whole"], fetched["frames"], fetched["new"]) == (True, [1, 2], [1, 2])
    assert user.answer("client", "fetch", str(job), "--out", "frames")["new"] == []

    by_hand = user.answer("verifier", "audit", str(job), "0")
    assert (by_hand["verdict"], by_hand["job_id"], by_hand["task"]) == ("Accept", job, 0)
    assert by_hand["tiles"]
    assert all(tile["equal"] for tile in by_hand["tiles"])
    assert (user.folder / f"audit-{job}-0" / "report.html").is_file()
    user.refused(["verifier", "audit", str(job), "0"], 2, "audit.folder_exists")
    user.refused(["verifier", "audit", str(job), "9"], 2, "audit.no_submission")

    manifest = user.answer("client", "manifest", found["manifest"])
    assert (manifest["frames"], manifest["name"]) == ("1,2", "plain")
    scene = user.answer("client", "inspect", str(quiet.scenes("plain")))
    assert (scene["cameras"], scene["unauditable"]) == (["Camera", "Side"], [])
    user.refused(["client", "retry", str(job), "--reward", "1"], 2, "retry.nothing")
    user.refused(["client", "cancel", str(job)], 3, "account.not_set", STARKNET_ACCOUNT="")
    user.refused(["client", "cancel", str(job)], 2, "job.not_yours", STARKNET_ACCOUNT="worker-b")


@pytest.mark.long
def test_a_cancelled_job_is_refunded_and_its_frames_can_be_tried_again(user: User, quiet: Stage) -> None:
    job = user.answer(*submitting(quiet, "--frames", "1-3"))["job"]["job_id"]
    held = int(user.answer("account", "show")["withdrawable_fri"])
    planned = user.answer("client", "cancel", str(job), "--dry-run")
    assert (planned["sent"], planned["closes"]) == (False, [0, 1, 2])
    done = user.answer("client", "cancel", str(job))
    assert done == {**planned, "sent": True}
    assert user.answer("client", "cancel", str(job))["closes"] == []
    refund = int(user.answer("account", "show")["withdrawable_fri"]) - held
    assert refund == int(planned["refund_fri"]) == 3 * (REWARD + FEE)
    assert user.answer("client", "status", str(job))["counts"] == {"Closed": 3}

    again = user.answer("client", "retry", str(job), "--reward", "1")
    assert (again["sent"], again["old_tasks"]) == (True, [0, 1, 2])
    second = again["job"]["job_id"]
    assert second > job
    user.refused(["client", "retry", str(job), "--reward", "1"], 2, "retry.already")
    assert user.answer("client", "cancel", str(second))["closes"] == [0, 1, 2]

    before = int(user.answer("account", "show")["wallet_fri"])
    moved = int(user.answer("account", "withdraw")["withdrawn_fri"])
    assert moved >= 6 * (REWARD + FEE)
    after = user.answer("account", "show")
    assert after["withdrawable_fri"] == "0"
    assert moved - STRK // 10 < int(after["wallet_fri"]) - before <= moved, "all of it but the gas"


def test_an_account_bonds_sits_and_leaves(user: User, quiet: Stage) -> None:
    user.env["STARKNET_ACCOUNT"] = "deployer"
    bond = LOCAL_BOUNDS.seat_bond.units
    assert user.answer("account", "faucet", "5")["minted_fri"] == str(5 * STRK)
    assert user.answer("account", "bond", "30")["deposited_fri"] == str(30 * STRK)
    assert user.answer("account", "show")["withdrawable_fri"] == str(30 * STRK)
    seated = user.answer("account", "bond", "--seat")
    assert seated["deposited_fri"] == str(bond - 30 * STRK)
    shown = user.answer("account", "show")
    assert [seat["slot"] for seat in shown["seats"]] == [seated["slot"]]
    assert (shown["withdrawable_fri"], shown["seat_bonds_fri"]) == ("0", str(bond))

    left = user.answer("account", "exit")
    assert left["leaves"] == [seated["slot"]]
    again = user.answer("account", "exit")
    assert (again["leaves"], again["collects"]) == ([], [])
    assert again["later"][0]["slot"] == seated["slot"]
    assert f"seat {seated['slot']}" in user.run("account", "show").stdout
    user.refused(["account", "withdraw"], 2, "money.zero")


def test_a_contract_of_one_s_own_is_deployed_and_used(user: User) -> None:
    planned = user.answer("contract", "deploy", "--bounds", "local", "--dry-run")
    assert (planned["sent"], planned["bounds"]["seat_bond_fri"]) == (False, str(LOCAL_BOUNDS.seat_bond.units))
    user.refused(["contract", "deploy", "--bounds", "mine"], 2, "contract.unknown_bounds")
    own = user.answer("contract", "deploy", "--bounds", "local")["contract"]
    assert user.answer("client", "list", JOB_REGISTRY_ADDRESS=own)["jobs"] == []
    findings = {f["what"]: f for f in user.answer("doctor", JOB_REGISTRY_ADDRESS=own)["findings"]}
    assert "0 active seats" in findings["Starknet"]["found"]


CLOSED = "http://127.0.0.1:9/rpc"


@pytest.mark.parametrize(
    ("broken", "env"),
    [
        ("", {}),
        ("Blender", {"BLENDER_PATH": "/nowhere/blender"}),
        ("Blender", {"TILEPROOF_BLENDER_VERSION": "4.5.14"}),
        ("IPFS node", {"IPFS_API": "/ip4/127.0.0.1/tcp/9/http"}),
        ("Starknet", {"STARKNET_RPC": CLOSED}),
        ("Starknet", {"JOB_REGISTRY_ADDRESS": "0x1234"}),
        ("account", {"STARKNET_ACCOUNT": "nobody"}),
    ],
)
def test_doctor_names_the_one_thing_that_is_broken(user: User, broken: str, env: dict[str, str]) -> None:
    done = user.run("doctor", "--json", **env)
    report = json.loads(done.stdout)
    wrong = {finding["what"]: finding for finding in report["findings"] if finding["state"] == "wrong"}
    assert (done.returncode, report["ok"]) == ((4, False) if broken else (0, True))
    assert (broken in wrong) == bool(broken)
    assert all(finding["remedy"] for finding in wrong.values())
    also = {"account"} if broken == "Starknet" else set()  # a balance is asked of the chain
    assert set(wrong) <= {broken, *also}


def test_doctor_says_that_no_stranger_s_scene_can_be_opened_without_a_sandbox(user: User) -> None:
    user.under = (sys.executable, "-c", WITHOUT_LANDLOCK)
    done = user.run("doctor", "--json", PATH="/nowhere")
    (sandbox,) = (f for f in json.loads(done.stdout)["findings"] if f["what"] == "sandbox")
    assert (done.returncode, sandbox["state"]) == (4, "wrong")
    assert "--no-sandbox" in sandbox["remedy"]
    accepted = user.run("doctor", "--json", PATH="/nowhere", TILEPROOF_SANDBOX="no")
    (sandbox,) = (f for f in json.loads(accepted.stdout)["findings"] if f["what"] == "sandbox")
    assert (accepted.returncode, sandbox["state"], sandbox["found"]) == (0, "ok", "none")


@dataclass
class Hold:
    """A node between the client and the chain that falls silent at one call of one transaction.

    ``after`` passes the call on first, so that it has its effect.
    """

    to: str
    method: str
    after: bool
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, body: bytes) -> bytes:
        here = json.loads(body)["method"] == self.method
        if here and not self.after:
            self._stop()
        answer = httpx2.post(self.to, content=body, headers={"Content-Type": "application/json"}, timeout=60)
        if here and self.after and "result" in answer.json():
            self._stop()
        return answer.content

    def _stop(self) -> None:
        self.reached.set()
        self.released.wait(120)


@pytest.fixture
def between(quiet: Stage) -> Iterator[Callable[[str, bool], tuple[Hold, str]]]:
    """Puts a ``Hold`` before the chain; returns it and its URL."""
    servers: list[tuple[ThreadingHTTPServer, Hold]] = []

    def make(method: str, after: bool) -> tuple[Hold, str]:
        hold = Hold(quiet.network.rpc_url, method, after)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                answer = hold.answer(self.rfile.read(int(self.headers["Content-Length"])))
                if hold.reached.is_set():
                    return  # whoever asked has gone
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append((server, hold))
        return hold, f"http://127.0.0.1:{server.server_address[1]}/rpc"

    yield make
    for server, hold in servers:
        hold.released.set()
        server.shutdown()
        server.server_close()


def interrupted(user: User, command: list[str], when: Callable[[], bool], **env: str) -> dict[str, Any]:
    """What a command says that got Ctrl-C once ``when`` was true."""
    with subprocess.Popen(
        user.command(*command, "--json"),
        cwd=user.folder,
        env=user.environment(**env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_until(when, 60, "the moment never came")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert "Task was destroyed" not in err
    error: dict[str, Any] = json.loads(err.splitlines()[-1])["error"]
    assert error["code"] == "interrupted"
    return error


@pytest.mark.parametrize(
    ("method", "after", "was_sent"),
    [
        pytest.param("starknet_estimateFee", False, False, marks=pytest.mark.long, id="before it is priced"),
        pytest.param(
            "starknet_addInvokeTransaction", False, False, marks=pytest.mark.long, id="before it is sent"
        ),
        pytest.param(
            "starknet_addInvokeTransaction", True, True, marks=pytest.mark.long, id="sent, not answered"
        ),
        pytest.param(
            "starknet_getTransactionReceipt", True, True, marks=pytest.mark.long, id="confirmed, not shown"
        ),
    ],
)
def test_ctrl_c_in_the_middle_of_paying_pays_once(
    user: User,
    quiet: Stage,
    between: Callable[[str, bool], tuple[Hold, str]],
    method: str,
    after: bool,
    was_sent: bool,
) -> None:
    hold, url = between(method, after)
    command = submitting(quiet, "--frames", "4")
    with quiet.reader() as ledger:
        before = snapshot(quiet.network, ledger)
        jobs = len(user.answer("client", "list")["jobs"])
        error = interrupted(user, command, hold.reached.is_set, STARKNET_RPC=url)
        assert "run the same command again" in error["remedy"]
        done = user.answer(*command)["job"]
        assert done["adopted"] is was_sent
        assert len(user.answer("client", "list")["jobs"]) == jobs + 1
        assert changes(quiet.network, before, snapshot(quiet.network, ledger)) == {
            "requester": -(REWARD + FEE),
            "escrow": REWARD + FEE,
        }
    assert user.answer("client", "status", str(done["job_id"]))["manifest"] == done["manifest"]
    user.answer("client", "cancel", str(done["job_id"]))


@pytest.mark.long
def test_ctrl_c_while_watching_stops_the_watch_and_not_the_job(
    user: User, quiet: Stage, between: Callable[[str, bool], tuple[Hold, str]]
) -> None:
    job = user.answer(*submitting(quiet, "--frames", "5"))["job"]["job_id"]
    hold, url = between("starknet_call", True)
    error = interrupted(user, ["client", "watch", str(job)], hold.reached.is_set, STARKNET_RPC=url)
    assert f"job {job} goes on without you" in error["remedy"]
    assert user.answer("client", "status", str(job))["counts"] == {"Open": 1}
    user.answer("client", "cancel", str(job))
