"""Plans, jobs and fetches as people and scripts read them: lines, tables, JSON.

JSON keeps amounts as whole fri in strings (they exceed what JSON numbers hold exactly), CIDs
and addresses in full, moments as Unix seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain.frames import format_frames
from .console import facts, note, say, table

if TYPE_CHECKING:
    from ..client.plan import SubmissionPlan
    from ..client.submit import Submitted
    from ..domain.job import Terms
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
    """``42 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 days``."""
    whole = round(seconds)
    for large, small, span in (("day", "h", 86_400), ("h", "min", 3600), ("min", "s", 60)):
        if whole >= span:
            step = {"h": 3600, "min": 60, "s": 1}[small]
            count, rest = whole // span, whole % span // step
            unit = f"{large}s" if large == "day" and count > 1 else large
            return f"{count} {unit} {rest} {small}" if rest else f"{count} {unit}"
    return f"{whole} s"


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
        "audit": {name: getattr(manifest.audit, name) for name in type(manifest.audit).__slots__},
    }


def all_frames(manifest: Manifest) -> tuple[int, ...]:
    return tuple(sorted({frame for task in manifest.tasks for frame in task.frames}))


def plan_json(plan: SubmissionPlan) -> dict[str, object]:
    from ..audit.plan import SHOWN_RENDER_SECONDS, cost_share, fixed_seconds

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
            "fixed_cpu_seconds": fixed_seconds(audit),
            "cpu_share": {str(s): cost_share(audit, s) for s in SHOWN_RENDER_SECONDS},
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
    from ..domain.policy import describe_policy

    policy = manifest.audit
    facts(
        {
            **_pictures(manifest),
            "tasks": len(manifest.tasks),
            "audit": f"{policy.sample_tiles} tiles of {policy.tile_px} px a task, {describe_policy(policy)}",
        }
    )
    say()
    rows = [(file.path, size(file.size), file.sha256) for file in manifest.files]
    table(["file", "size", "SHA-256"], rows, right=("size",))


def show_plan(plan: SubmissionPlan, *, block_seconds: float) -> None:
    """Shows pictures, price, time and audit of a job before it is submitted."""
    from ..audit.plan import describe
    from ..domain.block_time import about

    terms = plan.terms
    audit_lines = list(describe(plan.audit))
    windows = terms.commit_blocks + terms.reveal_blocks + terms.appeal_blocks
    facts(
        {
            **_pictures(plan.pictures.manifest),
            "tasks": f"{plan.task_count}, each under a bond of {terms.worker_bond} "
            f"and a lease of {duration(terms.lease_seconds)}",
            "escrow": f"{plan.escrow}: {plan.task_count} x ({terms.reward.strk()} reward + "
            f"{terms.committee_size} x {terms.audit_fee.strk()} audit fee); what no audit uses comes back",
            "wallet": f"{plan.wallet}, of which {plan.wallet - plan.escrow} stays",
            "time": f"a task has {duration(terms.lease_seconds)} to be rendered, then its audit and the time "
            f"for an appeal take {windows} blocks, {about(windows * block_seconds)}, at most",
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


def transaction_url(explorer_url: str | None, tx_hash: int) -> str | None:
    """Returns the page of a transaction; None without an explorer or a transaction."""
    return f"{explorer_url.rstrip('/')}/tx/{tx_hash:#x}" if explorer_url and tx_hash else None


def submitted_json(done: Submitted, explorer_url: str | None) -> dict[str, object]:
    return {
        "job_id": done.job_id,
        "manifest": str(done.manifest),
        "scene": str(done.scene),
        "escrow_fri": str(done.escrow.units),
        "tx_hash": hex(done.tx_hash),
        "url": transaction_url(explorer_url, done.tx_hash),
        "fee_fri": str(done.fee.units),
        "adopted": done.tx_hash == 0,
    }


def show_submitted(done: Submitted, explorer_url: str | None) -> None:
    if done.tx_hash:
        say(f"job {done.job_id}  escrowed {done.escrow}, {done.fee.strk(6)} STRK of gas")
        note("transaction ", link=(f"{done.tx_hash:#x}", transaction_url(explorer_url, done.tx_hash)))
    else:
        say(f"job {done.job_id}  was escrowed by an earlier run that did not end; nothing was paid again")
    note(f"scene        {done.scene}")
    note(f"manifest     {done.manifest}")


def scene_json(scene: SceneFacts) -> dict[str, object]:
    values = {name: getattr(scene, name) for name in type(scene).__slots__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _auditable(scene: SceneFacts) -> str:
    from ..client.draft import JUDGED_BY_LIKENESS

    if not scene.unauditable:
        return "yes"
    if JUDGED_BY_LIKENESS.issuperset(scene.unauditable):
        return f"by likeness only, with --lane hash: {', '.join(scene.unauditable)}"
    return "not yet: " + ", ".join(scene.unauditable)


def show_scene(scene: SceneFacts) -> None:
    def listed(names: Sequence[str], none: str) -> str:
        return ", ".join(names) or none

    cameras = [f"{name} (active)" if name == scene.active_camera else name for name in scene.cameras]
    facts(
        {
            "saved by": f"Blender {'.'.join(scene.blender_file_version.split('.')[:2])}",
            "engine": scene.engine,
            "cameras": listed(cameras, "none"),
            "view layers": listed(scene.view_layers, "none"),
            "frames": f"{scene.frame_start}-{scene.frame_end}, step {scene.frame_step}",
            "size": f"{scene.width_px}x{scene.height_px} at {scene.resolution_percentage} %",
            "samples": f"{scene.samples_per_pixel}"
            + (f", adaptive at {scene.adaptive_threshold:g}" if scene.adaptive_sampling else ""),
            "noise seed": f"{scene.noise_seed}" + (", animated" if scene.animated_seed else ""),
            "finishing": listed(scene.finishing, "none"),
            "view": scene.view_transform + (", transparent" if scene.transparent else ""),
            "other files": listed(scene.external_files, "none"),
            "missing": listed(scene.missing_files, "nothing"),
            "auditable": _auditable(scene),
        }
    )
