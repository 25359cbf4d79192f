"""One service of a local network, in the foreground: what a container runs.

Each function becomes the service's program, so that its signals and its end are the service's.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NoReturn

from .devnet import devnet_command
from .kubo import make_swarm_key, private_repo

API_PORT, SWARM_PORT = 5001, 4001


def become_devnet(program: Path, *, host: str, port: int) -> NoReturn:
    """A devnet that makes a block every second, at this address."""
    command = [str(part) for part in devnet_command(program, host=host, port=port)]
    os.execv(program, command)


def become_kubo(program: Path, *, name: str, repo: Path, swarm: Path) -> NoReturn:
    """A node of a private swarm, reached by the others under the host name ``name``.

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
