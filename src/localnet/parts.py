"""One service of a local network, in the foreground: what a container runs.

Signals of the process, and its end, are the service's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from threading import Event
from typing import NoReturn

from .child import die_with_parent
from .devnet import MEMORY, READY_SECONDS, Devnet, answers, devnet_command
from .kubo import make_swarm_key, private_repo
from .mining import BLOCK_SECONDS, ContractWatch, Miner
from .prepare import PREDEPLOYED, named_contract

API_PORT, SWARM_PORT = 5001, 4001
STOP_SECONDS = 5.0


def become_devnet(program: Path, *, host: str, port: int) -> NoReturn:
    """Becomes a devnet that makes a block every second, at this address."""
    command = devnet_command(program, host=host, port=port, accounts=PREDEPLOYED)
    os.execve(program, [str(part) for part in command], {**os.environ, **MEMORY})


def run_devnet(program: Path, *, host: str, port: int, prepared: Path) -> int:
    """Runs a devnet that makes blocks as the contract's tasks need them, and returns its exit status.

    ``prepared`` is the folder where ``localnet prepare`` names the contract. Until it does, a block is
    made every second. SIGTERM and SIGINT end the devnet; then the status is 0.
    """
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    command = devnet_command(program, host=host, port=port, block_seconds=None, accounts=PREDEPLOYED)
    process = subprocess.Popen(command, env={**os.environ, **MEMORY}, preexec_fn=die_with_parent)
    here = f"http://127.0.0.1:{port}"
    rounds = int(READY_SECONDS / BLOCK_SECONDS)
    while rounds and process.poll() is None and not answers(f"{here}/is_alive"):
        rounds -= 1
        if stop.wait(BLOCK_SECONDS):
            break
    with ContractWatch(f"{here}/rpc", lambda: named_contract(prepared)) as watch:
        miner = Miner(Devnet(f"{here}/rpc"), watch.waits)
        while not stop.wait(BLOCK_SECONDS) and process.poll() is None:
            miner.step()
    if not stop.is_set():
        return process.wait()
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return 0


def become_kubo(program: Path, *, name: str, repo: Path, swarm: Path) -> NoReturn:
    """Becomes a node of a private swarm, reached by the others under the host name ``name``.

    ``swarm`` is a folder that its nodes share: it holds their key, made by the first of them, and
    where each that ever started is found. Those are this node's peers, sought again whenever
    they are lost. The admin port listens on every interface: keep it inside, publish it nowhere.

    Raises ServiceError ``localnet.not_ready`` when the repo cannot be made.
    """
    key = make_swarm_key(swarm / "swarm.key")
    peers = [json.loads(file.read_text()) for file in sorted(swarm.glob("*.peer"))]
    env = private_repo(
        program,
        repo,
        key,
        {
            "Addresses.API": f"/ip4/0.0.0.0/tcp/{API_PORT}",
            "Addresses.Swarm": [f"/ip4/0.0.0.0/tcp/{SWARM_PORT}"],
            "Peering.Peers": [peer for peer in peers if peer["name"] != name],
        },
    )
    identity = json.loads((repo / "config").read_text())["Identity"]["PeerID"]
    found = {"name": name, "ID": identity, "Addrs": [f"/dns4/{name}/tcp/{SWARM_PORT}"]}
    new = swarm / f"{name}.new"
    new.write_text(json.dumps(found))
    os.replace(new, swarm / f"{name}.peer")
    os.execve(program, [str(program), "daemon", "--migrate=false"], {**os.environ, **env})
