"""An audit's own pictures: sample tiles rendered again, frames finished again, failing ones twice more.

What was submitted and what was made here meet in one record per tile and per finished frame.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ..audit.compare import Pixels, compare_tiles, pixel_digest
from ..audit.lanes import stand, worst
from ..audit.page import FinishPictures, TilePictures
from ..audit.report import FinishRecord, TileRecord, Work
from ..audit.traits import traits_of
from ..domain.errors import EvidenceError, MachineError
from ..domain.job import Ground
from ..domain.policy import HASH
from ..domain.result import has_picture
from ..domain.verdict import Confirmation, Standing
from ..ports.images import ImageDecoder, ImageFormat
from ..ports.renderer import RenderSession
from .pictures import read_passes, read_picture

Open = Callable[[str, int], AbstractContextManager[RenderSession]]
"""Opens the scene in a process of its own: (a name for its folder, how many pictures it will make)."""
Told = Callable[[str, int, int], None]
"""Called before each picture with (``render`` | ``finish`` | ``confirm``, done, in all); may stop it all."""
FRESH = ("again-1", "again-2")


class Again:
    """Everything that one audit renders itself. Only the sample tiles' pixels stay in memory; a
    frame's passes and picture are read again when it is finished."""

    def __init__(self, decoder: ImageDecoder, work: Work, result: Path, told: Told) -> None:
        self._decoder, self._work, self._result, self._told = decoder, work, result, told
        self.submitted: dict[int, Pixels] = {}
        self._rendered: dict[int, Pixels] = {}
        self._records: dict[int, TileRecord] = {}
        self._finishes: dict[int, FinishRecord] = {}
        self._finish_pictures: list[FinishPictures] = []

    def keep_submitted(self, frame: int, audited: Pixels) -> None:
        """Takes the sample tiles of one frame from the submission's pixels."""
        for index, sample in enumerate(self._work.samples):
            if sample.frame == frame:
                box = sample.tile.relative_to(self._work.spec.region)
                self.submitted[index] = audited[box.y0 : box.y1, box.x0 : box.x1].copy()

    def render(self, session: RenderSession) -> None:
        """Every sample tile, frame by frame.

        Raises MachineError as ``RenderSession.render``; ``render.unreadable``.
        """
        samples = self._work.samples
        order = sorted(range(len(samples)), key=lambda at: (samples[at].frame, at))
        for done, index in enumerate(order):
            self._told("render", done, len(order))
            pixels, seconds = self._tile(session, index)
            submitted = self.submitted[index]
            self._rendered[index] = pixels
            self._records[index] = TileRecord(
                sample=samples[index],
                submitted=pixel_digest(submitted),
                rendered=pixel_digest(pixels),
                score=compare_tiles(submitted, pixels),
                seconds=seconds,
                traits=traits_of(submitted, pixels),
            )
        self._told("render", len(order), len(order))

    def finish(self, session: RenderSession, pictures: int) -> None:
        """Every frame that a sample tile lies in, finished again from the passes that were submitted;
        the first ``pictures`` that differ are kept for people to see. Nothing where a task's
        results hold no finished picture.

        Raises as ``render``.
        """
        if not self._work.settings.has_passes or not has_picture(self._work.settings, self._work.spec):
            return
        frames = sorted({sample.frame for sample in self._work.samples})
        for done, frame in enumerate(frames):
            self._told("finish", done, len(frames))
            submitted = self._had(read_picture, frame)
            pixels, seconds = self._finished(session, frame)
            record = FinishRecord(
                frame=frame,
                submitted=pixel_digest(submitted),
                rendered=pixel_digest(pixels),
                score=compare_tiles(submitted, pixels),
                seconds=seconds,
                traits=traits_of(submitted, pixels),
            )
            self._finishes[frame] = record
            if not record.score.equal and len(self._finish_pictures) < pictures:
                self._finish_pictures.append(FinishPictures(frame, submitted, pixels))
        self._told("finish", len(frames), len(frames))

    def standings(self) -> tuple[Standing, ...]:
        """How each sample tile, and the finish of its frame, stand by the job's lane."""
        return tuple(self._standing(index) for index in range(len(self._work.samples)))

    def confirm(self, open_session: Open) -> Confirmation | None:
        """The first different tile, and the finish of its frame, made twice more, each time by a process
        that has made nothing else; None when no tile is different.

        Raises as ``render``.
        """
        standings = self.standings()
        if Standing.DIFFERENT not in standings:
            return None
        index = standings.index(Standing.DIFFERENT)
        digests, alike = [], []
        for done, turn in enumerate(FRESH):
            self._told("confirm", done, len(FRESH))
            with open_session(turn, 1) as session:
                digest, standing = self._made_again(session, index)
            digests.append(digest)
            alike.append(standing)
        self._told("confirm", len(FRESH), len(FRESH))
        return Confirmation(
            index=index,
            audited=self._digest(index),
            fresh=(digests[0], digests[1]),
            alike=(alike[0], alike[1]) if self._work.policy.lane == HASH else None,
        )

    def records(self) -> tuple[TileRecord, ...]:
        """Of every sample tile, in the list's order; none unless all were judged."""
        if len(self._records) < len(self._work.samples):
            return ()
        return tuple(self._records[at] for at in sorted(self._records))

    def finishes(self) -> tuple[FinishRecord, ...]:
        return tuple(self._finishes[frame] for frame in sorted(self._finishes))

    def pictures(self, different: int, equal: int) -> list[TilePictures]:
        """The first few tiles of either kind, both versions."""
        wanted = [at for at, each in sorted(self._records.items()) if not each.score.equal][:different]
        wanted += [at for at, each in sorted(self._records.items()) if each.score.equal][:equal]
        return [TilePictures(at, self.submitted[at], self._rendered[at]) for at in wanted]

    def finish_pictures(self) -> Sequence[FinishPictures]:
        return self._finish_pictures

    def _standing(self, index: int) -> Standing:
        record, policy = self._records[index], self._work.policy
        finish = self._finishes.get(record.sample.frame)
        own = stand(record.score, policy)
        return own if finish is None else worst((own, stand(finish.score, policy)))

    def _digest(self, index: int) -> str:
        record = self._records[index]
        finish = self._finishes.get(record.sample.frame)
        return _joined(record.rendered, None if finish is None else finish.rendered)

    def _made_again(self, session: RenderSession, index: int) -> tuple[str, Standing]:
        policy, frame = self._work.policy, self._work.samples[index].frame
        pixels, _ = self._tile(session, index)
        standing = stand(compare_tiles(self._rendered[index], pixels), policy)
        record = self._finishes.get(frame)
        if record is None:
            return pixel_digest(pixels), standing
        finish = pixel_digest(self._finished(session, frame)[0])
        if finish != record.rendered:
            standing = Standing.DIFFERENT
        return _joined(pixel_digest(pixels), finish), standing

    def _tile(self, session: RenderSession, index: int) -> tuple[Pixels, float]:
        sample = self._work.samples[index]
        rendered = session.render(sample.frame, sample.tile)
        return self._own(
            rendered.path, ImageFormat.audited(self._work.settings, sample.tile)
        ), rendered.seconds

    def _finished(self, session: RenderSession, frame: int) -> tuple[Pixels, float]:
        """From the submitted passes, decoded and written anew: Blender opens no stranger's file."""
        settings = self._work.settings
        given = session.out / f"submitted-{frame}.exr"
        self._decoder.encode_exr(self._had(read_passes, frame), given)
        try:
            rendered = session.finish(frame, given)
        finally:
            given.unlink(missing_ok=True)
        return self._own(rendered.path, ImageFormat.of(settings, settings.full_frame)), rendered.seconds

    def _had(self, read: Callable[[ImageDecoder, Path, Work, int], Pixels | Ground], frame: int) -> Pixels:
        """What the screen could read a moment ago."""
        pixels = read(self._decoder, self._result, self._work, self._work.spec.frames.index(frame))
        if isinstance(pixels, Ground):
            raise MachineError(
                "render.unreadable",
                f"a file of frame {frame} could be read, and cannot any more",
                remedy="look at this machine's disk and memory",
            )
        return pixels

    def _own(self, path: Path, expected: ImageFormat) -> Pixels:
        try:
            return self._decoder.decode(path, expected)
        except EvidenceError as error:
            raise MachineError("render.unreadable", "our own picture cannot be read") from error
        finally:
            path.unlink(missing_ok=True)


def _joined(tile: str, finish: str | None) -> str:
    """One digest of both, or the tile's own where nothing is finished."""
    return tile if finish is None else hashlib.sha256(f"{tile}\n{finish}\n".encode()).hexdigest()
