"""``make demo``: everything on this machine, with play money.

Act 1: an honest job of four frames. Act 2: a still in four regions, and one worker renders with
an eighth of the samples. Then every picture is compared with a plain render, and every coin
counted. Ctrl-C or the end stops every process.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event

from rich.console import Console
from rich.markup import escape
from tileproof.adapters.ipfs.kubo import KuboStore
from tileproof.adapters.starknet.ledger import StarknetLedger, connect
from tileproof.config import ENVIRONMENT, load
from tileproof.domain import manifest as manifests
from tileproof.domain.errors import TileproofError
from tileproof.domain.hops import Hop
from tileproof.domain.job import Address, TaskState
from tileproof.localnet.child import Child
from tileproof.localnet.network import LocalNetwork, Shape, running_network
from tileproof.provision.locate import locate
from tileproof.provision.table import BPY

from . import evidence, money, plain
from .narrator import LogFollower, Narrator

ROOT = Path(__file__).resolve().parents[1]
STARTED = "started account="
ACT_SECONDS = 420.0
LOOK_SECONDS = 0.5
INTERRUPTED = 130
WAITING_FOR_BLOCKS = (TaskState.SUBMITTED, TaskState.PROVISIONAL)
FRAMES = (1, 2, 3, 4)
STILL = 2
HASH_TOLERANCE = 5
"""Bits of 64 within which a perceptual hash is commonly said to match."""


class Demo:
    """One run, while its network is up."""

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
        with self.console.status("the client opens the scene, plans, pins and escrows"):
            submitted = self.client("submit", str(scene), *flags)
        story = self.begin(submitted, logs, cursor)
        with self.console.status("") as status:
            while len(story.finished) < story.job.task_count:
                story.tell_news()
                tasks = self.ledger.tasks(story.job_id)
                status.update(story.still_to_come(tasks)[: self.console.width - 4])  # one line
                # Beside the block a second that devnet makes: nobody should wait for empty blocks.
                hurry = any(task.state in WAITING_FOR_BLOCKS for task in tasks)
                self.network.devnet.create_blocks(4 if hurry else 1)
                if time.monotonic() - began > ACT_SECONDS:
                    raise SystemExit(
                        f"the job is not done after {ACT_SECONDS:.0f} s; logs: {self.network.folder}/logs"
                    )
                Event().wait(LOOK_SECONDS)
        took = time.monotonic() - began
        target = self.out / folder
        shutil.rmtree(target, ignore_errors=True)  # of an earlier run
        self.client("fetch", str(story.job_id), "--out", str(target))
        self.console.print(
            f"\n  All {story.job.task_count} tasks paid in {took:.0f} s.   Pictures: {_shown(target)}/"
            f"   Contact sheet: {_shown(target / 'contact-sheet.png')}\n",
            highlight=False,
        )
        return story

    def begin(self, submitted: dict[str, object], logs: LogFollower, cursor: int) -> Narrator:
        """Tells the first three hops, which happened inside ``client submit``."""
        sent, plan = submitted["job"], submitted["plan"]
        assert isinstance(sent, dict)
        assert isinstance(plan, dict)
        job = self.ledger.job(int(sent["job_id"]))
        manifest = manifests.decode(
            self.store.read_block(job.manifest, max_bytes=manifests.MAX_BYTES, timeout=30)
        )
        story = Narrator(self.console, self.ledger, self.names, self.slots, logs, job, manifest, cursor)
        settings, audit = manifest.settings, plan["sample_plan"]
        megabytes = sum(file.size for file in manifest.files) / 1e6
        story.say(
            Hop.PLANNED,
            f"{job.task_count} tasks, {settings.width_px}x{settings.height_px}, "
            f"{settings.samples_per_pixel} samples, {megabytes:.1f} MB of scene",
        )
        finds = {each["share"]: each["detection"] for each in audit["finds"]}
        story.say_more(
            f"an audit renders {audit['sample_tiles']} of a task's {audit['tiles']} tiles again "
            f"({audit['area_share']:.0%} of its pixels) and finds every"
        )
        story.say_more(f"cheat on the whole task, {_cut(finds[0.25])} of those on a quarter of it")
        story.say(Hop.PINNED, f"scene    {manifest.scene}")
        story.say_more(f"manifest {job.manifest}")
        terms = job.terms
        story.say(
            Hop.ESCROWED,
            f"job {job.job_id}   {terms.escrow(job.task_count)} = {job.task_count} x ({terms.reward.strk()} "
            f"reward + {terms.committee_size} x {terms.audit_fee.strk()} audit fee)",
        )
        story.say_more(f"tx {sent['tx_hash']}")
        return story

    def tell_rejection(self, story: Narrator, task: int, paid_for: Path) -> None:
        """Says what the rejecting seat saw, and what a perceptual hash would have said."""
        found = evidence.gather(
            self.store,
            story.rejections[task],
            story.manifest.tasks[task],
            paid_for,
            self.out / f"report-job-{story.job_id}-task-{task}",
        )
        phash = found.whole.hashes.phash
        verdict = "would have paid" if phash <= HASH_TOLERANCE else "would have noticed too"
        for line in (
            f"Caught: {story.what(task)}: {found.equal} of {found.tiles} tiles equal, worst "
            f"{found.worst_psnr_db:.1f} dB. {found.fresh_renders} renders in fresh processes agree with the",
            "audit: the scene is sound, the submission is not. The whole picture's perceptual hash is",
            f"{phash} of 64 bits away from the honest one's: such a check, at the usual {HASH_TOLERANCE}, "
            f"{verdict}.",
            f"Evidence: {_shown(found.page)}   {_shown(found.picture)}",
        ):
            self.console.print(f"  {escape(line)}", highlight=False)

    def client(self, *arguments: str) -> dict[str, object]:
        """Runs ``tileproof client …`` as the requester and returns what ``--json`` printed."""
        done = subprocess.run(
            self.network.command("requester", "client", *arguments, "--json"),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"tileproof client {' '.join(arguments)} failed:\n{done.stderr}")
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    def replace_worker(self, name: str, cheat: str) -> None:
        """From now on this worker renders with a renderer of the gallery; the rest of it is the
        product's own."""
        self.network.roles[name].stop()
        told = self.network.log(name).read_text().count(STARTED)
        program = [sys.executable, "-m", "demo.dishonest_worker", str(self.network.network_file), name]
        self.network.start_role(name, [*program, cheat]).wait_until(
            lambda: self.network.log(name).read_text().count(STARTED) > told, seconds=60, what="not started"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="where everything goes")
    parser.add_argument("--scene", default="glass", help="a script of scenes/, without .py")
    parser.add_argument("--threads", type=int, default=1, help="Blender's threads, for each role")
    options = parser.parse_args(arguments)
    console = Console(soft_wrap=True)
    forget_the_users_settings()
    cache = load().cache
    out: Path = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    console.print("[bold]Tileproof demo[/] - everything runs on this machine, with play money\n")
    with ExitStack() as stack:
        with console.status("making the scene") as status:
            scene = make_scene(options.scene, out, cache)
            status.update("starting chain, IPFS, contract, workers and verifiers")
            network = stack.enter_context(
                running_network(out / "network", cache, Shape(threads=options.threads, poll_seconds=0.5))
            )
            demo = stack.enter_context(Demo(out, network, console))
        console.print(
            f"Network up: devnet {network.rpc_url}   Kubo {network.nodes[0].api} and {network.nodes[1].api}\n"
            f"            contract {network.contract.short()}   2 workers   4 verifiers"
            f"   ({time.monotonic() - began:.0f} s)\n",
            highlight=False,
        )
        good = play(demo, scene, cache)
    console.print(
        f"\nNetwork down after {time.monotonic() - began:.0f} s. Nothing is left running."
        "   Next: docs/walkthrough.md",
        highlight=False,
    )
    return 0 if good else 1


def forget_the_users_settings() -> None:
    """Keys and nodes that the user has set for a real network are no business of the demo's."""
    for name in ENVIRONMENT:
        if name != "TILEPROOF_CACHE":
            os.environ.pop(name, None)
    os.environ["TILEPROOF_MAX_CLAIMS"] = "4"  # for the roles: worker-a also does what worker-b loses


def make_scene(name: str, out: Path, cache: Path) -> Path:
    """The demo's .blend, made by our own script in Blender."""
    target = out / f"{name}.blend"
    command = [str(locate(BPY, cache)), str(ROOT / "scenes" / f"{name}.py"), "--out", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def play(demo: Demo, scene: Path, cache: Path) -> bool:
    """Both acts and the reckoning; True when the cheat was caught, every picture is what one
    plain render gives, and the money adds up."""
    console, audit = demo.console, ("--tile", "32", "--sample-tiles")
    before = money.look(demo.ledger, demo.names)
    console.print(f"[bold]Act 1[/] - an honest job: {scene.name}, frames 1-4, two to a task, 2 STRK a frame")
    pairs = ("--frames", "1-4", "--frames-per-task", "2", "--reward", "4")
    honest = demo.job(scene, *pairs, *audit, "16", folder="honest")

    console.print(
        f"[bold]Act 2[/] - frame {STILL} as a still in four regions, 1 STRK each, "
        "and worker-b renders with an eighth of the samples"
    )
    with plain.rendering(scene, FRAMES, demo.out / "plain", cache) as blender:
        demo.replace_worker("worker-b", "fewer_samples")
        flags = ("--frames", str(STILL), "--split", "2x2", "--reward", "1", *audit, "8")
        story = demo.job(scene, *flags, folder="cheated")
        for task in story.rejections:
            demo.tell_rejection(story, task, demo.out / "cheated" / f"{STILL:04d}.png")
        same = show_comparison(demo, blender)

    console.print("\n[bold]Money, to the last unit[/] (STRK)")
    after = money.look(demo.ledger, demo.names)
    gas = money.gas_between(demo.network.rpc_url, before, after, demo.names)
    adds_up = money.show(console, before, after, gas)
    calls = {call: honest.calls[call] | story.calls[call] for call in honest.calls}
    money.show_gas(console, demo.network.rpc_url, before, after, calls)
    return bool(story.rejections) and same and adds_up


def show_comparison(demo: Demo, blender: Child) -> bool:
    """Compares what was fetched with what Blender renders when left alone; True when equal."""
    with demo.console.status("one plain Blender finishes the same frames, to compare"):
        if blender.wait(plain.SECONDS) != 0:
            raise SystemExit(f"the plain render failed: {blender.tail()}")
    alone = demo.out / "plain"
    pairs = [(demo.out / "honest" / f"{frame:04d}.png", alone / f"{frame:04d}.png") for frame in FRAMES]
    pairs.append((demo.out / "cheated" / f"{STILL:04d}.png", alone / f"{STILL:04d}.png"))
    different = [_shown(fetched) for fetched, rendered in pairs if not plain.same_pixels(fetched, rendered)]
    demo.console.print("\n[bold]Compared[/] with a plain render of the same frames in one Blender")
    if different:
        demo.console.print(f"  DIFFERENT: {', '.join(different)}", highlight=False)
    else:
        demo.console.print(
            f"  all {len(FRAMES)} frames and the still joined from regions: equal to the last bit",
            highlight=False,
        )
    return not different


def _cut(share: float) -> str:
    """Cut, never rounded up: what may escape must not read as certain."""
    return f"{math.floor(share * 1000) / 10:g} %"


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; nothing is left running\n")
        sys.exit(INTERRUPTED)
    except TileproofError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n  -> {error.remedy}\n")
        sys.exit(error.exit_status)
