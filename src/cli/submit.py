"""``client submit`` and ``client retry``: the two commands that put money in escrow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import show, show_job
from .console import ask, bars, can_ask, confirm, facts, if_interrupted, note, say, show_json
from .follow import INCOMPLETE, fetch_job, watch_job
from .options import (
    AsJson,
    Bond,
    Committee,
    Deadline,
    DryRun,
    Fee,
    JobId,
    Lease,
    Out,
    Rate,
    Reward,
    RewardOrAsk,
    Yes,
)
from .wiring import Ports, packing_folder, settings_of

if TYPE_CHECKING:
    from ..client.request import Offer
    from ..config import TermsTable

_SAFE_TO_REPEAT = "run the same command again: it finds out what was sent, and pays nothing twice"


def submit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .blend file.")],
    reward: RewardOrAsk = None,
    frames: Annotated[
        str | None, typer.Option(metavar="LIST", help='Such as "1-100x5,120" [default: the scene\'s].')
    ] = None,
    samples: Annotated[
        int | None, typer.Option(metavar="N", help="Samples per pixel [default: the scene's].")
    ] = None,
    resolution: Annotated[
        str | None, typer.Option(metavar="WxH", help="WxH, or a percentage [default: the scene's].")
    ] = None,
    split: Annotated[str, typer.Option(metavar="COLSxROWS", help="Regions per frame, a task each.")] = "1x1",
    frames_per_task: Annotated[
        int, typer.Option(min=1, metavar="N", help="Frames that one task renders.")
    ] = 1,
    camera: Annotated[str | None, typer.Option(metavar="NAME", help="[default: the active one]")] = None,
    view_layer: Annotated[str | None, typer.Option(metavar="NAME", help="[default: the first]")] = None,
    depth: Annotated[int, typer.Option(metavar="BITS", help="Bits per channel of the PNGs: 8 or 16.")] = 8,
    sample_tiles: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Tiles that an audit renders again [default: as fits the job]."
        ),
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(min=1, metavar="PIXELS", help="Edge of such a tile [default: as fits the job]."),
    ] = None,
    lane: Annotated[
        str, typer.Option(metavar="LANE", help="How results are judged: exact, calibrated or hash.")
    ] = "exact",
    accept_db: Annotated[
        float | None, typer.Option(metavar="DB", help="Calibrated lane: accepted from so much PSNR.")
    ] = None,
    reject_db: Annotated[
        float | None, typer.Option(metavar="DB", help="Calibrated lane: rejected below so much PSNR.")
    ] = None,
    hash_bits: Annotated[
        str | None, typer.Option(metavar="P,D,W", help="Hash lane: accepted within so many of 64 bits.")
    ] = None,
    band_bits: Annotated[
        int | None, typer.Option(metavar="BITS", help="Hash lane: refused so many bits further away.")
    ] = None,
    audit_fee: Fee = None,
    committee: Committee = None,
    audit_rate: Rate = None,
    bond: Bond = None,
    lease: Lease = None,
    deadline: Deadline = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Annotated[bool, typer.Option("--wait", help="Watch until the end, then fetch.")] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Put a scene up for rendering.

    Plans, pins, escrows. The plan is shown and checked before anything is pinned or spent. A terminal
    is asked then, unless --yes is given.
    """
    from ..client.plan import plan_pictures, plan_submission
    from ..client.request import PictureRequest, parse_hash_bits, parse_resolution, parse_split
    from ..client.submit import submit as send
    from ..domain.frames import parse_frames
    from ..domain.user_paths import expanded
    from .outputs import out_folder

    settings = settings_of(context)
    offered = _reward(reward, settings.terms, may_spend=yes or dry_run)
    columns, rows = parse_split(split)
    if frames is not None:
        parse_frames(frames)  # an unreadable list is said at once, before Blender starts
    request = PictureRequest(
        blend=expanded(file),
        frames=frames,
        resolution=parse_resolution(resolution) if resolution else None,
        samples_per_pixel=samples,
        camera=camera,
        view_layer=view_layer,
        depth=depth,
        columns=columns,
        rows=rows,
        frames_per_task=frames_per_task,
        tile_px=tile or settings.terms.tile_px,
        sample_tiles=sample_tiles or settings.terms.sample_tiles,
        lane=lane,
        accept_db=accept_db,
        reject_db=reject_db,
        hash_bits=parse_hash_bits(hash_bits) if hash_bits else None,
        band_bits=band_bits,
    )

    def offer_of(amount: str) -> Offer:
        return make_offer(settings.terms, amount, audit_fee, committee, audit_rate, bond, lease, deadline)

    offer = offer_of(offered or "1")  # terms that nobody would take are refused before Blender starts
    if out is not None or wait:
        checked = out_folder(out or Path("job"))
        out = None if out is None else checked
    with Ports(settings) as ports, packing_folder(settings) as into:
        ports.check_signer()  # without an account there is no need to start Blender
        note(f"opening {file} in Blender")
        pictures = plan_pictures(
            request, inspector=ports.inspector, packer=ports.packer, renderer=ports.renderer, into=into
        )
        if offered is None:
            tasks = show.many(len(pictures.manifest.tasks), "task")
            offer = offer_of(ask(f"reward for each of {tasks}, in STRK:"))
        plan = plan_submission(pictures, offer, ledger=ports.ledger)
        if dry_run:
            if as_json:
                show_json({"plan": show.plan_json(plan), "sent": False})
            else:
                show.show_plan(plan, block_seconds=settings.block_seconds)
                say("dry run: nothing was pinned, nothing was spent")
            return
        if not as_json:
            show.show_plan(plan, block_seconds=settings.block_seconds)
        if not yes and can_ask() and not confirm("submit?"):
            say("nothing was pinned, nothing was spent")
            return
        with if_interrupted(_SAFE_TO_REPEAT), bars() as shown:

            def progress(done: int, total: int) -> None:
                shown.update("pinning the scene", done, max(total, 1), show.size(total) if total else "")

            done = send(
                plan, ledger=ports.ledger, store=ports.store, journal=ports.journal, progress=progress
            )
        document: dict[str, object] = {
            "plan": show.plan_json(plan),
            "sent": True,
            "job": show.submitted_json(done, settings.explorer_url),
        }
        if not as_json:
            show.show_submitted(done, settings.explorer_url)
        if not wait:
            if as_json:
                show_json(document)
            else:
                note(f"next: tileproof client watch {done.job_id}, then tileproof client fetch {done.job_id}")
            return
        status = watch_job(ports, done.job_id)
        fetched = fetch_job(ports, status, out, provisional=False, overwrite=False)
        if as_json:
            show_json({**document, "fetched": show_job.fetched_json(fetched)})
        else:
            show_job.show_fetched(fetched)
        if not fetched.is_whole:
            raise typer.Exit(INCOMPLETE)


def retry(
    context: typer.Context,
    job: JobId,
    reward: Reward,
    audit_fee: Fee = None,
    committee: Committee = None,
    audit_rate: Rate = None,
    bond: Bond = None,
    lease: Lease = None,
    deadline: Deadline = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Render again what a job left unpaid.

    Makes a new job of every task that closed without being paid; its frames join the same folder.
    """
    from ..client.manage import plan_retry
    from ..client.manage import retry as send

    settings = settings_of(context)
    offer = make_offer(settings.terms, reward, audit_fee, committee, audit_rate, bond, lease, deadline)
    with Ports(settings) as ports:
        plan = plan_retry(job, offer, ledger=ports.ledger, store=ports.store, timeout=settings.fetch_seconds)
        summary = {"old_tasks": list(plan.old_tasks), "escrow_fri": str(plan.escrow.units)}
        if not as_json:
            facts({"tasks": f"{', '.join(map(str, plan.old_tasks))} of job {job}", "escrow": plan.escrow})
            if plan.beyond_asked:
                again = ", ".join(map(str, plan.beyond_asked))
                note(f"also task {again}, which shares a frame with one that was not paid")
        if dry_run:
            if as_json:
                show_json({**summary, "sent": False})
            else:
                say("dry run: nothing was pinned, nothing was spent")
            return
        with if_interrupted(_SAFE_TO_REPEAT):
            done = send(
                plan,
                offer,
                ledger=ports.ledger,
                store=ports.store,
                journal=ports.journal,
                timeout=settings.fetch_seconds,
            )
        if as_json:
            show_json({**summary, "sent": True, "job": show.submitted_json(done, settings.explorer_url)})
        else:
            show.show_submitted(done, settings.explorer_url)
            note(
                f"its frames belong to the same folder: tileproof client fetch {done.job_id} --out job-{job}"
            )


def _reward(flag: str | None, terms: TermsTable, *, may_spend: bool) -> str | None:
    """Returns the reward that a flag or a file names, None where a person is to be asked.

    Raises InputError ``submit.no_reward`` where nobody can answer. There a reward of the file
    alone is not enough: nobody would have said in this call that money is to be spent.
    """
    from ..domain.errors import InputError

    if flag is not None:
        return flag
    if terms.reward is not None and (may_spend or can_ask()):
        return terms.reward.strk()
    if can_ask():
        return None
    raise InputError(
        "submit.no_reward",
        "no reward is named, and there is no terminal to ask at",
        remedy="give --reward STRK; or --yes to offer the terms.reward of config.toml",
    )


def make_offer(
    terms: TermsTable,
    reward: str,
    audit_fee: str | None,
    committee: int | None,
    audit_rate: float | None,
    bond: str | None,
    lease: int | None,
    deadline: float | None,
) -> Offer:
    from ..client.price import check_reward
    from ..client.request import Offer
    from ..domain.money import parse_strk

    rate = terms.audit_rate if audit_rate is None else audit_rate
    offer = Offer(
        reward=parse_strk(reward),
        audit_fee=terms.audit_fee if audit_fee is None else parse_strk(audit_fee),
        committee_size=terms.committee_size if committee is None else committee,
        audit_rate_bps=round(rate * 10_000),
        worker_bond=None if bond is None else parse_strk(bond),
        lease_seconds=lease,
        deadline_seconds=None if deadline is None else round(deadline * 3600),
        default_lease_seconds=terms.lease_seconds,
        default_commit_blocks=terms.commit_blocks,
        default_reveal_blocks=terms.reveal_blocks,
        default_appeal_blocks=terms.appeal_blocks,
        default_deadline_seconds=round(terms.deadline_hours * 3600),
    )
    check_reward(offer)
    return offer
