"""The page of an audit: one file that people open, with every picture inside it."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import jinja2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..domain.frames import format_frames
from ..domain.policy import describe_policy
from .compare import HASH_BITS, Pixels, difference_picture, eight_bit
from .explain import ALIKE_BITS, ALIKE_DB, Explanation, by_themselves, explain
from .plan import describe, measured_cost
from .report import FINE, SEED_DERIVATION, VERSION, AuditReport, TileRecord

THUMBNAIL_PX = 640
"""Longest side of a frame's overview in the page."""


@dataclass(frozen=True, slots=True)
class TilePictures:
    """Both versions of one judged tile; ``index`` is its place in the list."""

    index: int
    submitted: Pixels
    rendered: Pixels


@dataclass(frozen=True, slots=True)
class FinishPictures:
    """A frame's final picture as submitted, and finished again by this verifier."""

    frame: int
    submitted: Pixels
    rendered: Pixels


@dataclass(frozen=True, slots=True)
class FrameOverview:
    """A submitted picture, made small: what the page draws the sample tiles on."""

    frame: int
    picture: NDArray[np.uint8]


def overview(frame: int, pixels: Pixels) -> FrameOverview:
    """``pixels`` scaled so that no side is longer than ``THUMBNAIL_PX``."""
    return FrameOverview(frame, _small(eight_bit(pixels)))


def to_html(
    report: AuditReport,
    pictures: Sequence[TilePictures],
    overviews: Sequence[FrameOverview],
    finishes: Sequence[FinishPictures] = (),
) -> str:
    """``report.html``: one file that opens anywhere, with every picture inside it.

    No script, nothing loaded from elsewhere; every word of another party is escaped.
    """
    told = explain(report)
    tiles = [
        _shown_tile(report, told, each)
        for each in sorted(pictures, key=lambda each: each.index)
        if each.index < len(report.tiles)
    ]
    work = report.work
    return _template().render(
        report=report,
        told=told,
        version=VERSION,
        fine=FINE,
        different=[each for each in tiles if not each.fine],
        equal=[each for each in tiles if each.fine],
        maps=_maps(report, overviews),
        finishes=[_shown_finish(report, told, each) for each in finishes],
        work=work,
        frames="" if work is None else format_frames(work.spec.frames),
        lane="" if work is None else describe_policy(work.policy),
        plan_lines=_plan_lines(report),
        judges=by_themselves(report),
        alike_db=ALIKE_DB,
        alike_bits=ALIKE_BITS,
        derivation=SEED_DERIVATION,
        hash_bits=HASH_BITS,
        settings={}
        if work is None
        else {n: getattr(work.settings, n) for n in type(work.settings).__slots__},
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """Pictures of a tile or a finished frame, as data URIs, and the words beside them."""

    index: int | None
    frame: int
    fine: bool
    record: object
    submitted: str
    rendered: str
    difference: str
    where: str
    how: str


def _shown_tile(report: AuditReport, told: Explanation, pictures: TilePictures) -> _Shown:
    record: TileRecord = report.tiles[pictures.index]
    where, how = _words(told, record.sample.frame, pictures.index)
    return _Shown(
        index=pictures.index,
        frame=record.sample.frame,
        fine=report.stands(record.score) in FINE,
        record=record,
        submitted=_data_uri(eight_bit(pictures.submitted)[..., :3]),
        rendered=_data_uri(eight_bit(pictures.rendered)[..., :3]),
        difference=_data_uri(difference_picture(pictures.submitted, pictures.rendered)),
        where=where,
        how=how,
    )


def _shown_finish(report: AuditReport, told: Explanation, pictures: FinishPictures) -> _Shown:
    record = report.finish_of(pictures.frame)
    where, how = _words(told, pictures.frame, None)
    return _Shown(
        index=None,
        frame=pictures.frame,
        fine=record is not None and report.stands(record.score) in FINE,
        record=record,
        submitted=_data_uri(_small(eight_bit(pictures.submitted))),
        rendered=_data_uri(_small(eight_bit(pictures.rendered))),
        difference=_data_uri(_small(difference_picture(pictures.submitted, pictures.rendered))),
        where=where,
        how=how,
    )


def _words(told: Explanation, frame: int, index: int | None) -> tuple[str, str]:
    for each in told.differences:
        if (each.frame, each.index) == (frame, index):
            return each.where, each.how
    return "", ""


@dataclass(frozen=True, slots=True)
class _Map:
    """One submitted picture and the sample tiles that lie in it, in its own pixels."""

    frame: int
    picture: str
    boxes: Sequence[tuple[int, object, str]]  # index, tile, state


def _maps(report: AuditReport, overviews: Sequence[FrameOverview]) -> list[_Map]:
    work = report.work
    if work is None:
        return []
    return [
        _Map(
            each.frame,
            _data_uri(each.picture),
            [
                (at, sample.tile.relative_to(work.spec.region), _state(report, at))
                for at, sample in enumerate(work.samples)
                if sample.frame == each.frame
            ],
        )
        for each in overviews
    ]


def _state(report: AuditReport, index: int) -> str:
    return report.standing(index).value if index < len(report.tiles) else "unjudged"


def _plan_lines(report: AuditReport) -> tuple[str, ...]:
    work = report.work
    if work is None or work.plan is None:
        return ()
    measured = measured_cost(work.plan, [tile.seconds for tile in report.tiles], report.timings.load)
    return (*describe(work.plan), *measured)


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    return np.asarray(image, dtype=np.uint8)


def _data_uri(picture: NDArray[np.uint8]) -> str:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, package_path="."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: f"{math.floor(share * 10000) / 100:g} %"
    environment.filters["db"] = lambda value: "∞" if math.isinf(value) else f"{value:.1f} dB"
    environment.filters["hex"] = hex
    environment.filters["sentence"] = lambda text: f"{text[:1].upper()}{text[1:]}." if text else ""
    return environment.get_template("report.html.jinja")
