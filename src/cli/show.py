"""Plans, jobs and fetches as people and scripts read them: lines, tables, JSON.

JSON keeps amounts as whole fri in strings (they exceed what JSON numbers hold exactly), CIDs
and addresses in full, moments as Unix seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain.frames import format_frames
from ..domain.job import Terms
from .console import facts, note, say, table

if TYPE_CHECKING:
    from ..client.account import AccountView
    from ..client.fetch import Fetched
    from ..client.history import Entry
    from ..client.plan import SubmissionPlan
    from ..client.status import JobLine, JobStatus
    from ..client.submit import Submitted
    from ..domain.manifest import Manifest
    from ..ports.scene import SceneFacts


def size(count: int) -> str:
    """Bytes in decimal units: ``1.2 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def short(cid: object) -> str:
    text = str(cid)
    return f"{text[:8]}…{text[-4:]}" if len(text) > 16 else text


def terms_json(terms: Terms) -> dict[str, object]:
    return {
        "reward_fri": str(terms.reward.units),
        "audit_fee_fri": str(terms.audit_fee.units),
        "worker_bond_fri": str(terms.worker_bond.units),
        "committee_size": terms.committee_size,
        "audit_rate_bps": terms.audit_rate_bps,
        "lease_seconds": terms.lease_seconds,
        "commit_blocks": terms.commit_blocks,
        "reveal_blocks": terms.reveal_blocks,
        "appeal_blocks": terms.appeal_blocks,
        "deadline": terms.deadline,
    }


def pictures_json(manifest: Manifest) -> dict[str, object]:
    settings = manifest.settings
    return {
        "name": manifest.name,
        "frames": format_frames(all_frames(manifest)),
        "split": [manifest.split_columns, manifest.split_rows],
        "files": [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in manifest.files],
        "settings": {name: getattr(settings, name) for name in type(settings).__slots__},
        "audit": {
            "lane": manifest.audit.lane,
            "tile_px": manifest.audit.tile_px,
            "sample_tiles": manifest.audit.sample_tiles,
        },
    }


def all_frames(manifest: Manifest) -> tuple[int, ...]:
    return tuple(sorted({frame for task in manifest.tasks for frame in task.frames}))


def plan_json(plan: SubmissionPlan) -> dict[str, object]:
    audit = plan.audit
    return {
        "tasks": plan.task_count,
        "escrow_fri": str(plan.escrow.units),
        "wallet_fri": str(plan.wallet.units),
        "scene_bytes": plan.pictures.scene_bytes,
        "pictures": pictures_json(plan.pictures.manifest),
        "terms": terms_json(plan.terms),
        "sample_plan": {
            "tiles": audit.total,
            "sample_tiles": audit.sampled,
            "tile_px": audit.tile_px,
            "area_share": audit.area_share,
            "audit_rate": audit.audit_rate,
            "finds": [
                {"share": p.share, "tampered_tiles": p.tampered, "detection": p.detection}
                for p in audit.powers
            ],
        },
        "majority": {
            "active_seats": plan.active_seats,
            "seats": plan.majority.seats,
            "bonds_fri": str(plan.majority.bonds.units),
            "chance": plan.majority.chance,
        },
    }


def show_manifest(manifest: Manifest) -> None:
    policy = manifest.audit
    facts(
        {
            **_pictures(manifest),
            "tasks": len(manifest.tasks),
            "audit": f"{policy.sample_tiles} tiles of {policy.tile_px} px a task, {policy.lane} lane",
        }
    )
    say()
    rows = [(file.path, size(file.size), file.sha256) for file in manifest.files]
    table(["file", "size", "SHA-256"], rows, right=("size",))


def show_plan(plan: SubmissionPlan) -> None:
    from ..audit.plan import describe

    terms = plan.terms
    audit_lines = list(describe(plan.audit))
    facts(
        {
            **_pictures(plan.pictures.manifest),
            "tasks": f"{plan.task_count}, each under a bond of {terms.worker_bond} "
            f"and a lease of {duration(terms.lease_seconds)}",
            "escrow": f"{plan.escrow}: {plan.task_count} x ({terms.reward.strk()} reward + "
            f"{terms.committee_size} x {terms.audit_fee.strk()} audit fee); what no audit uses comes back",
            "wallet": f"{plan.wallet}, of which {plan.wallet - plan.escrow} stays",
            "audit": audit_lines[0],
            **{" " * n: line for n, line in enumerate(audit_lines[1:], 1)},
            "majority": f"an even chance of owning a committee of {terms.committee_size} takes "
            f"{many(plan.majority.seats, 'seat')} beside the {plan.active_seats} active: "
            f"{plan.majority.bonds} in bonds",
        }
    )


def _pictures(manifest: Manifest) -> dict[str, object]:
    settings = manifest.settings
    frames = all_frames(manifest)
    split = manifest.split_columns * manifest.split_rows > 1
    regions = f", each in {manifest.split_columns}x{manifest.split_rows} regions" if split else ""
    return {
        "pictures": f"{many(len(frames), 'frame')} ({format_frames(frames)}){regions}, "
        f"{settings.width_px}x{settings.height_px}, {settings.samples_per_pixel} samples",
        "scene": f"{manifest.name}: {many(len(manifest.files), 'file')}, "
        f"{size(sum(file.size for file in manifest.files))}, camera {settings.camera}",
        "device": f"Blender {settings.blender_version}, {settings.device_class}",
    }


def submitted_json(done: Submitted) -> dict[str, object]:
    return {
        "job_id": done.job_id,
        "manifest": str(done.manifest),
        "scene": str(done.scene),
        "escrow_fri": str(done.escrow.units),
        "tx_hash": hex(done.tx_hash),
        "fee_fri": str(done.fee.units),
        "adopted": done.tx_hash == 0,
    }


def show_submitted(done: Submitted) -> None:
    if done.tx_hash:
        say(f"job {done.job_id}  escrowed {done.escrow}  tx {done.tx_hash:#x}  fee {done.fee.strk(6)} STRK")
    else:
        say(f"job {done.job_id}  was escrowed by an earlier run that did not end; nothing was paid again")
    note(f"scene {done.scene}")
    note(f"manifest {done.manifest}")


def status_json(status: JobStatus, manifest: Manifest | None) -> dict[str, object]:
    job = status.job
    return {
        "job_id": job.job_id,
        "requester": str(job.requester),
        "manifest": str(job.manifest),
        "created_block": job.created_block,
        "paused": job.paused,
        "closed": job.closed,
        "paid": job.paid,
        "refunded": job.refunded,
        "is_final": status.is_final,
        "counts": {state.value: count for state, count in status.counts.items()},
        "terms": terms_json(job.terms),
        "pictures": pictures_json(manifest) if manifest else None,
        "tasks": [
            {
                "task": task.task,
                "state": task.state.value,
                "outcome": task.outcome.value,
                "attempt": task.attempt,
                "failures": task.failures,
                "worker": str(task.worker) if task.worker else None,
                "lease_until": task.lease_until,
                "result": str(task.result) if task.result else None,
                "round": task.round,
                "seats": list(task.seats),
                "revealed": [verdict.value if verdict else None for verdict in task.revealed],
                "window_ends_block": task.window_ends_block,
                "frames": format_frames(manifest.tasks[task.task].frames) if manifest else None,
                "region": str(manifest.tasks[task.task].region) if manifest else None,
            }
            for task in status.tasks
        ],
    }


def show_status(status: JobStatus, manifest: Manifest | None) -> None:
    job = status.job
    flags = [word for word, is_set in (("paused", job.paused), ("closed", job.closed)) if is_set]
    name = f"  {manifest.name}" if manifest else ""
    say(f"job {job.job_id}{name}  {counted(status)}{'  ' + ', '.join(flags) if flags else ''}")
    say(f"by {job.requester}, {job.terms.reward} a task, manifest {job.manifest}")
    say()
    columns = ["task", "state", "attempt", "worker", "outcome", "result"]
    if manifest:
        columns[1:1] = ["frames", "region"]
    rows: list[list[object]] = []
    for task in status.tasks:
        row: list[object] = [
            task.task,
            task.state.value.lower(),
            task.attempt,
            task.worker.short() if task.worker else "-",
            "-" if task.outcome.value == "Undecided" else task.outcome.value.lower(),
            short(task.result) if task.result else "-",
        ]
        if manifest:
            spec = manifest.tasks[task.task]
            row[1:1] = [format_frames(spec.frames), spec.region]
        rows.append(row)
    table(columns, rows, right=("task", "attempt"))
    if manifest is None:
        note("frames are not shown: the manifest could not be read from IPFS just now")


def counted(status: JobStatus) -> str:
    parts = [f"{count} {state.value.lower()}" for state, count in status.counts.items()]
    return f"{many(len(status.tasks), 'task')}: " + ", ".join(parts)


def jobs_json(lines: Sequence[JobLine]) -> list[dict[str, object]]:
    return [
        {
            "job_id": line.job.job_id,
            "manifest": str(line.job.manifest),
            "tasks": line.job.task_count,
            "paid": line.job.paid,
            "refunded": line.job.refunded,
            "paused": line.job.paused,
            "closed": line.job.closed,
            "is_final": line.is_final,
            "reward_fri": str(line.job.terms.reward.units),
        }
        for line in lines
    ]


def show_jobs(lines: Sequence[JobLine]) -> None:
    if not lines:
        say("no jobs yet: `tileproof client submit --help` shows how to make one")
        return
    rows = []
    for line in lines:
        job = line.job
        state = (
            "ended" if line.is_final else "paused" if job.paused else "closing" if job.closed else "running"
        )
        rows.append(
            [job.job_id, state, job.task_count, job.paid, job.refunded, job.terms.reward, short(job.manifest)]
        )
    columns = ["job", "state", "tasks", "paid", "refunded", "reward", "manifest"]
    table(columns, rows, right=("job", "tasks", "paid", "refunded"))


def history_json(entries: Sequence[Entry]) -> list[dict[str, object]]:
    return [
        {
            "task": entry.task,
            "attempt": entry.attempt,
            "block": entry.block,
            "tx_hash": hex(entry.tx_hash),
            "what": entry.what,
            "cid": entry.cid or None,
        }
        for entry in entries
    ]


def show_history(entries: Sequence[Entry]) -> None:
    if not entries:
        say("nothing has happened yet: no worker has claimed a task")
        return
    last = (-1, -1)
    for entry in entries:
        if (entry.task, entry.attempt) != last:
            last = (entry.task, entry.attempt)
            say(f"task {entry.task}, attempt {entry.attempt}")
        say(f"  block {entry.block:<7} {entry.what}" + (f"  {entry.cid}" if entry.cid else ""))


def fetched_json(fetched: Fetched) -> dict[str, object]:
    return {
        "folder": str(fetched.folder),
        "frames": list(fetched.frames),
        "new": list(fetched.new),
        "contact_sheet": str(fetched.contact_sheet) if fetched.contact_sheet else None,
        "is_whole": fetched.is_whole,
        "missing": [
            {"task": m.task, "frames": format_frames(m.frames), "code": m.code, "why": m.why}
            for m in fetched.missing
        ],
    }


def show_fetched(fetched: Fetched) -> None:
    for missing in fetched.missing:
        say(f"missing: task {missing.task} (frames {format_frames(missing.frames)}) {missing.why}")
    if fetched.frames:
        new = f", {len(fetched.new)} of them new" if fetched.new else ""
        say(f"{many(len(fetched.frames), 'frame')} in {fetched.folder}{new}: every file checked")
    if fetched.contact_sheet:
        say(f"contact sheet: {fetched.contact_sheet}")
    if fetched.missing:
        say("fetch again to resume")


def scene_json(scene: SceneFacts) -> dict[str, object]:
    values = {name: getattr(scene, name) for name in type(scene).__slots__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def show_scene(scene: SceneFacts) -> None:
    def listed(names: Sequence[str], none: str) -> str:
        return ", ".join(names) or none

    cameras = [f"{name} (active)" if name == scene.active_camera else name for name in scene.cameras]
    facts(
        {
            "saved by": f"Blender {scene.blender_file_version}",
            "engine": scene.engine,
            "cameras": listed(cameras, "none"),
            "view layers": listed(scene.view_layers, "none"),
            "frames": f"{scene.frame_start}-{scene.frame_end}, step {scene.frame_step}",
            "size": f"{scene.width_px}x{scene.height_px} at {scene.resolution_percentage} %",
            "samples": f"{scene.samples_per_pixel}"
            + (f", adaptive at {scene.adaptive_threshold:g}" if scene.adaptive_sampling else ""),
            "noise seed": f"{scene.noise_seed}" + (", animated" if scene.animated_seed else ""),
            "view": scene.view_transform + (", transparent" if scene.transparent else ""),
            "other files": listed(scene.external_files, "none"),
            "missing": listed(scene.missing_files, "nothing"),
            "auditable": "yes" if not scene.unauditable else "not yet: " + ", ".join(scene.unauditable),
        }
    )


def account_json(address: object, view: AccountView) -> dict[str, object]:
    balances = view.balances
    return {
        "address": str(address),
        "wallet_fri": str(balances.wallet.units),
        "withdrawable_fri": str(balances.withdrawable.units),
        "worker_bonds_fri": str(balances.worker_bonds.units),
        "seat_bonds_fri": str(balances.seat_bonds.units),
        "block": view.block,
        "seats": [
            {
                "slot": seat.slot,
                "bond_fri": str(seat.bond.units),
                "since_block": seat.since_block,
                "leaving_block": seat.leaving_block,
                "collectable_at_block": view.collectable_at(seat),
            }
            for seat in view.seats
        ],
    }


def show_account(address: object, view: AccountView) -> None:
    balances = view.balances
    facts(
        {
            "account": address,
            "wallet": balances.wallet,
            "withdrawable": f"{balances.withdrawable} (in the contract, bound to nothing)",
            "worker bonds": f"{balances.worker_bonds} (in live claims)",
            "seat bonds": f"{balances.seat_bonds} in {many(len(view.seats), 'seat')}",
        }
    )
    for seat in view.seats:
        due = view.collectable_at(seat)
        if due is None:
            state = f"active since block {seat.since_block}"
        elif due <= view.block:
            state = "left; `tileproof account exit` collects it"
        else:
            state = f"leaving; can be collected from block {due} (now {view.block})"
        say(f"  seat {seat.slot}  {seat.bond}  {state}")
