"""Which work a worker takes: pure rules over what it knows before it claims."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set

from ..domain.device import why_not_served
from ..domain.job import Address, Bounds, Job, Outcome, Task, TaskState, Terms
from ..domain.manifest import Manifest
from ..domain.money import ZERO, Fri
from ..domain.result import max_result_bytes
from ..ports.ledger import GasPrices, Head
from ..ports.renderer import RenderReport
from . import plea
from .settings import WorkerSettings

TASK_L2_GAS, TASK_DATA_GAS = 9_000_000, 1_700
"""What claiming, submitting and settling one task take, each in a transaction of its own, rounded
up (docs/protocol.md, Gas)."""
CLAIMABLE = (TaskState.OPEN, TaskState.LAPSED)


def why_not_terms(job: Job, settings: WorkerSettings, head: Head) -> str | None:
    """The reason to leave a job alone for its terms, as of the newest block; None when they suit."""
    if job.closed or job.paused:
        return "it takes no claims"
    if head.timestamp + job.terms.lease_seconds > job.terms.deadline:
        return "its deadline leaves no room for another lease"
    if job.terms.reward < settings.min_reward:
        return f"it pays {job.terms.reward}, less than {settings.min_reward}"
    if job.terms.reward < gas_cost(head.gas):
        return f"it pays {job.terms.reward}, less than its gas costs now"
    return None


def why_not_manifest(manifest: Manifest, machine: RenderReport, settings: WorkerSettings) -> str | None:
    """The reason to leave a job alone for what it asks of the machine; None when this machine
    can do it."""
    wanted = manifest.settings
    version = machine.blender_build.split(" ")[0]
    if wanted.blender_version != version:
        return f"it needs Blender {wanted.blender_version}; this machine has {version}"
    unfit = why_not_served(machine.device_class, wanted, manifest.audit, machine.engines)
    if unfit is not None:
        return unfit
    size = sum(file.size for file in manifest.files)
    if size > settings.max_scene_bytes:
        return f"its scene takes {size} bytes, more than {settings.max_scene_bytes}"
    largest = max(task.region.area for task in manifest.tasks)
    if largest > settings.max_picture_px:
        return f"its pictures have {largest} pixels, more than {settings.max_picture_px}"
    output = max(max_result_bytes(wanted, task) for task in manifest.tasks)
    if output > settings.max_result_bytes:
        return f"a result may take {output} bytes, more than {settings.max_result_bytes}"
    return None


def why_not_lane(job: Job, manifest: Manifest) -> str | None:
    """The reason to leave a job alone whose terms would take a bond where its manifest says that no
    reject does, or the other way round; None when the two agree."""
    if manifest.audit.settled_in is job.terms.lane:
        return None
    return f"it is judged in the {manifest.audit.lane} lane and settled in the {job.terms.lane.value} lane"


def why_not_bytes(
    job: Job, manifest: Manifest, task: int, settings: WorkerSettings, head: Head
) -> str | None:
    """The reason to leave a task alone because its reward does not cover gas and bytes; None when
    it does. The task is looked at as if it were the only one that this worker gets."""
    size = bytes_moved(job, manifest, task)
    if job.terms.reward < gas_cost(head.gas) + bytes_cost(size, settings.price_per_gib):
        return f"it pays {job.terms.reward}, less than its gas and {size} bytes cost now"
    return None


def gas_cost(prices: GasPrices) -> Fri:
    """What one task takes from claim to settlement at these prices."""
    return prices.l2 * TASK_L2_GAS + prices.l1_data * TASK_DATA_GAS


def bytes_moved(job: Job, manifest: Manifest, task: int) -> int:
    """The most that one task makes a worker fetch and serve: the scene once, and the result to
    the requester and to each seat of the committee."""
    scene = sum(file.size for file in manifest.files)
    result = max_result_bytes(manifest.settings, manifest.tasks[task])
    return scene + result * (1 + job.terms.committee_size)


def bytes_cost(size: int, price_per_gib: Fri) -> Fri:
    """Rounded up."""
    return Fri(-(-price_per_gib.units * size // 2**30))


def choose_task(job: Job, tasks: Sequence[Task], account: Address, barred: Set[int]) -> Task | None:
    """The task to claim next, or None.

    Each worker goes through a job in an order of its own, so that two of them rarely reach for
    the same task. Tasks in ``barred`` are left to others: what went wrong here before, and what a
    claim of this worker is still open for, since the task may have opened again by a reject that
    this worker has not seen yet.
    """
    open_tasks = [task for task in tasks if task.state in CLAIMABLE and task.task not in barred]

    def rank(task: Task) -> bytes:
        return hashlib.sha256(f"{account}/{job.job_id}/{task.task}".encode()).digest()

    return min(open_tasks, key=rank, default=None)


def kept_for_appeals(under_way: Iterable[Terms], settings: WorkerSettings) -> Fri:
    """What no claim may lock: the bond of the dearest appeal that this worker would raise against a
    wrong verdict on its work under these terms. A window for appeals may be over before an operator
    has deposited more."""
    if not settings.appeal:
        return ZERO
    verdicts = [outcome for outcome in Outcome if outcome.hurts_worker]
    bonds = (
        terms.appeal_bond
        for terms in under_way
        if any(plea.why_not(terms, verdict) is None for verdict in verdicts)
    )
    return max(bonds, default=ZERO)


def why_not_bonds(job: Job, withdrawable: Fri, kept: Fri) -> str | None:
    """The reason to leave a job alone for want of money; None when one more claim's bond is at hand
    beside what is kept for appeals."""
    bond = job.terms.worker_bond
    if withdrawable >= bond + kept:
        return None
    beside = f" beside the {kept} kept for an appeal" if kept > ZERO else ""
    return (
        f"its bond of {bond} is not at hand{beside}: {withdrawable} are withdrawable; "
        f"`tileproof account bond {(bond + kept - withdrawable).strk()}`"
    )


def attempt_of_claim(task: Task) -> int:
    """The attempt that claiming this task now would begin: a lapsed claim is settled by it."""
    return task.attempt + (1 if task.state is TaskState.LAPSED else 0)


def lapse_loss(job: Job, bounds: Bounds) -> Fri:
    """What a given-back or lapsed claim forfeits, rounded up as the contract rounds."""
    return Fri(-(-job.terms.worker_bond.units * bounds.lapse_share_bps // 10_000))
