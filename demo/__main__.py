"""``make demo``: everything on this machine, with play money.

Act 1: an honest job of four frames. Act 2: a still in four regions, and one worker renders with
an eighth of the samples. Act 3: every coin is counted. Ctrl-C or the end stops every process.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event

import platformdirs
from rich.console import Console
from tileproof.adapters.ipfs.kubo import KuboStore
from tileproof.adapters.starknet.ledger import StarknetLedger, connect
from tileproof.domain import manifest as manifests
from tileproof.domain.cid import parse_cid
from tileproof.domain.hops import Hop
from tileproof.domain.job import Address
from tileproof.localnet.network import LocalNetwork, Shape, running_network
from tileproof.provision.locate import locate
from tileproof.provision.table import BPY

from . import money
from .narrator import LogFollower, Narrator

ROOT = Path(__file__).resolve().parents[1]
STARTED = "started account="
ACT_SECONDS = 420.0
LOOK_SECONDS = 0.5


class Demo:
    """One run, from the network's start to its end."""

    def __init__(self, out: Path, network: LocalNetwork, console: Console) -> None:
        self.out, self.network, self.console = out, network, console
        self.names: dict[Address, str] = {s.address: name for name, s in network.signers.items()}
        self.ledger: StarknetLedger = connect(network.rpc_url, network.contract, None)
        self.store = KuboStore(network.nodes[0].api)
        self.slots = {
            seat.slot: name for address, name in self.names.items() for seat in self.ledger.seats_of(address)
        }

    def __enter__(self) -> Demo:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()
        self.store.close()

    def job(self, scene: Path, *flags: str, folder: str) -> Narrator:
        """Submits through the command line and tells what happens until every task is paid."""
        logs = LogFollower({name: self.network.log(name) for name in self.network.roles})
        logs.skip_to_end()
        cursor = self.ledger.head().block + 1
        began = time.monotonic()
        submitted = self.client("submit", str(scene), *flags, "--json")
        sent = submitted["job"]
        assert isinstance(sent, dict)
        job_id = int(sent["job_id"])
        job = self.ledger.job(job_id)
        manifest = manifests.decode(
            self.store.read_block(job.manifest, max_bytes=manifests.MAX_BYTES, timeout=30)
        )
        story = Narrator(self.console, self.ledger, self.names, self.slots, logs, job_id, manifest, cursor)
        escrow = job.terms.escrow(job.task_count)
        scene_bytes = sum(file.size for file in manifest.files)
        story.say(
            Hop.PLANNED, f"{job.task_count} tasks, {scene_bytes / 1e6:.1f} MB of scene, escrow {escrow}"
        )
        story.say(Hop.PINNED, f"scene {manifest.scene}   manifest {job.manifest}")
        story.say(Hop.ESCROWED, f"job {job_id}   tx {sent['tx_hash']}   {escrow}")
        while len(story.finished) < job.task_count:
            story.tell_news()
            if time.monotonic() - began > ACT_SECONDS:
                raise SystemExit(
                    f"the job is not done after {ACT_SECONDS:.0f} s; logs: {self.network.folder}/logs"
                )
            Event().wait(LOOK_SECONDS)
        story.tell_news()
        took = time.monotonic() - began
        target = self.out / folder
        self.client("fetch", str(job_id), "--out", str(target))
        self.console.print(
            f"\n  All {job.task_count} tasks paid in {took:.0f} s.   Frames: {_shown(target)}"
            f"   Contact sheet: {_shown(target / 'contact-sheet.png')}\n",
            highlight=False,
        )
        return story

    def report(self, story: Narrator, task: int) -> str:
        """Fetches the rejecting seat's report and says where its page lies."""
        target = self.out / f"report-job-{story.job_id}-task-{task}"
        shutil.rmtree(target, ignore_errors=True)
        evidence = parse_cid(story.rejections[task])
        self.store.fetch(evidence, target, max_bytes=64 << 20, timeout=60)
        return _shown(target / "report.html")

    def client(self, *arguments: str) -> dict[str, object]:
        """Runs ``tileproof client …`` as the requester and returns what ``--json`` printed."""
        flags = arguments if "--json" in arguments else (*arguments, "--json")
        done = subprocess.run(
            self.network.command("requester", "client", *flags),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"tileproof client {' '.join(arguments)} failed:\n{done.stderr}")
        answer: dict[str, object] = json.loads(done.stdout)
        return answer


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "out")
    parser.add_argument("--scene", default="glass", help="a script of scenes/, without .py")
    parser.add_argument("--threads", type=int, default=1, help="Blender's threads, for each role")
    options = parser.parse_args(arguments)
    console = Console(soft_wrap=True)
    cache = Path(platformdirs.user_cache_dir("tileproof"))
    out: Path = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    console.print("[bold]Tileproof demo[/] - everything runs on this machine, with play money\n")
    began = time.monotonic()
    scene = make_scene(options.scene, out, cache)
    with running_network(out / "network", cache, Shape(threads=options.threads)) as network:
        console.print(
            f"Network up: chain {network.rpc_url}   Kubo {network.nodes[0].api}   "
            f"contract {network.contract.short()}   2 workers   4 verifiers   "
            f"({time.monotonic() - began:.0f} s)\n",
            highlight=False,
        )
        with Demo(out, network, console) as demo:
            same = play(demo, scene)
    console.print("\nNetwork down. Nothing is left running.   Next: docs/walkthrough.md")
    return 0 if same else 1


def make_scene(name: str, out: Path, cache: Path) -> Path:
    """The demo's .blend, made by our own script in Blender."""
    target = out / f"{name}.blend"
    command = [str(locate(BPY, cache)), str(ROOT / "scenes" / f"{name}.py"), "--out", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def play(demo: Demo, scene: Path) -> bool:
    """All acts; True when the money adds up and the cheat was caught."""
    console = demo.console
    before = money.look(demo.ledger, demo.names)
    console.print(f"[bold]Act 1[/] - an honest job: {scene.name}, frames 1-4, 2.0 STRK a frame")
    demo.job(scene, "--frames", "1-4", "--reward", "2", folder="honest")

    console.print(
        "[bold]Act 2[/] - a still in four regions, and worker-b renders with an eighth of the samples"
    )
    network = demo.network
    network.roles["worker-b"].stop()
    cheat = [sys.executable, "-m", "demo.dishonest_worker", str(network.network_file), "worker-b"]
    told = network.log("worker-b").read_text().count(STARTED)
    network.start_role("worker-b", [*cheat, "fewer_samples"]).wait_until(
        lambda: network.log("worker-b").read_text().count(STARTED) > told, seconds=60, what="not started"
    )
    story = demo.job(scene, "--frames", "2", "--split", "2x2", "--reward", "1", folder="cheated")
    for task in story.rejections:
        console.print(
            f"  caught: {story.what(task)}, see the report {demo.report(story, task)}", highlight=False
        )

    console.print("\n[bold]Money, to the last unit[/]")
    after = money.look(demo.ledger, demo.names)
    gas = money.gas_between(network.rpc_url, before, after, demo.names)
    adds_up = money.show(console, before, after, gas)
    return adds_up and bool(story.rejections)


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nstopped; nothing is left running")
