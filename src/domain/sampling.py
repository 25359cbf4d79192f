"""What the audit seed decides, so that anyone can draw again what the contract drew.

Every function equals its namesake in ``contracts/src/draw.cairo``: Poseidon is Starknet's
(``poseidon_hash_span``), words are Cairo short strings, amounts of bits are those of felts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from poseidon_py.poseidon_hash import poseidon_hash_many

from .cid import Cid
from .job import NO_SEAT, Address, Ground, Question, TaskAppeal, Verdict
from .manifest import Manifest
from .tiles import Tile, sample_grid

FIELD_PRIME = 2**251 + 17 * 2**192 + 1
BPS = 10_000
DRAW_TRIES = 32
"""Tries per seat before it stays empty (docs/protocol.md)."""

_VERDICT_INDEX = {verdict: at for at, verdict in enumerate(Verdict)}
_GROUND_INDEX = {ground: at for at, ground in enumerate(Ground)}


def short_string(text: str) -> int:
    """The felt of a Cairo short string: at most 31 ASCII characters, big-endian."""
    if len(text) > 31:
        raise ValueError(f"{text!r} is no short string")
    return int.from_bytes(text.encode("ascii"), "big")


AUDIT_TAG = short_string("TILEPROOF_AUDIT")
VERDICT_TAG = short_string("TILEPROOF_VERDICT")


@dataclass(frozen=True, slots=True)
class RoundId:
    """One round of one attempt at one task, on one contract of one chain."""

    chain_id: int
    contract: Address
    job_id: int
    task: int
    attempt: int
    round: int

    def felts(self) -> list[int]:
        return [self.chain_id, self.contract.felt, self.job_id, self.task, self.attempt, self.round]


@dataclass(frozen=True, slots=True)
class SampleTile:
    """One tile that an audit judges; ``tile`` is in full-frame pixels."""

    frame: int
    tile: Tile


def result_commitment(result: Cid) -> int:
    """What the contract keeps of a result's CID: Poseidon(codec, digest low, digest high)."""
    return poseidon([result.codec, *_halves(result)])


def audit_seed(of: RoundId, result: Cid, block_hash: int) -> int:
    """The felt from which audit, committee and sample tiles of a round follow.

    Poseidon of the tag, the round, the result commitment and the hash of the block after
    the submission, which nobody knew when the result was fixed.
    """
    return poseidon([AUDIT_TAG, *of.felts(), result_commitment(result), block_hash])


def is_audited(seed: int, audit_rate_bps: int) -> bool:
    """Whether a task is audited at this rate, in 1/10000."""
    return poseidon([seed, short_string("audit")]) % BPS < audit_rate_bps


def draw_seat(seed: int, seat: int, attempt: int, seat_count: int) -> int:
    """The slot that try ``attempt`` for a committee's ``seat`` falls on."""
    return poseidon([seed, short_string("seat"), seat, attempt]) % seat_count


def draw_committee(
    seed: int, committee_size: int, seat_count: int, may_sit: Callable[[int], bool]
) -> tuple[int, ...]:
    """The slots of a committee; ``NO_SEAT`` where ``DRAW_TRIES`` tries found nobody.

    ``seat_count`` counts the slots there were at the claim, whoever holds them now.
    ``may_sit`` says of a slot whether it was active before the claim and belongs to neither
    the requester nor the claimant. No slot sits twice.
    """
    drawn: list[int] = []
    for seat in range(committee_size):
        slots = (draw_seat(seed, seat, t, seat_count) for t in range(DRAW_TRIES if seat_count else 0))
        drawn.append(next((slot for slot in slots if slot not in drawn and may_sit(slot)), NO_SEAT))
    return tuple(drawn)


def tile_count(manifest: Manifest, task: int) -> int:
    """N: the (frame, tile) pairs that a task's audit draws from."""
    spec = manifest.tasks[task]
    return len(spec.frames) * len(sample_grid(spec.region, manifest.audit.tile_px))


def sample_tiles(seed: int, manifest: Manifest, task: int) -> tuple[SampleTile, ...]:
    """The one list that every seat of a round judges, in order; a verdict names its index.

    All (frame, tile) pairs, numbered frame by frame and row by row, are drawn from without
    replacement: the first steps of a Fisher-Yates shuffle, whose step i picks among the
    N - i left with Poseidon(seed, 'tiles', i) modulo N - i. The modulo favours no pair by
    more than 1 part in 2^251 / N (for N below 2^40, less than 2^-211). A task with fewer
    pairs than the policy's number is judged whole.
    """
    spec = manifest.tasks[task]
    grid = sample_grid(spec.region, manifest.audit.tile_px)
    total = len(spec.frames) * len(grid)
    moved: dict[int, int] = {}
    drawn: list[SampleTile] = []
    for step in range(min(manifest.audit.sample_tiles, total)):
        pick = step + poseidon([seed, short_string("tiles"), step]) % (total - step)
        number = moved.get(pick, pick)
        moved[pick] = moved.get(step, step)
        frame_at, tile_at = divmod(number, len(grid))
        drawn.append(SampleTile(spec.frames[frame_at], grid.tile(tile_at)))
    return tuple(drawn)


@dataclass(frozen=True, slots=True)
class AuditScope:
    """What an audit looks at: pictures, by position among the task's frames, and the tiles that
    it renders again, by their index in its list. Nothing at all when what an appeal asks about
    does not exist."""

    positions: tuple[int, ...]
    tiles: tuple[SampleTile, ...]


def audit_scope(seed: int, manifest: Manifest, task: int, appeal: TaskAppeal | None = None) -> AuditScope:
    """Every picture and the sample tiles of ``seed``, or exactly what the appeal asks about.

    ``seed`` is that of the round that judges; a listed tile is one of the appealed round's list.

    Raises ValueError for a listed tile of a round that was never drawn.
    """
    spec = manifest.tasks[task]
    if appeal is None or appeal.question is Question.WHOLE:
        return AuditScope(tuple(range(len(spec.frames))), sample_tiles(seed, manifest, task))
    if appeal.question is Question.PICTURE:
        return AuditScope((appeal.position,) if appeal.position < len(spec.frames) else (), ())
    asked = question_tile(appeal, manifest, task)
    if asked is None:
        return AuditScope((), ())
    return AuditScope((spec.frames.index(asked.frame),), (asked,))


def question_tile(appeal: TaskAppeal, manifest: Manifest, task: int) -> SampleTile | None:
    """The one tile that a LISTED_TILE or NAMED_TILE asks about; None when there is no such tile.

    Raises ValueError for other questions, and for a listed tile of a round never drawn.
    """
    spec = manifest.tasks[task]
    if appeal.question is Question.LISTED_TILE:
        if appeal.first_seed is None:
            raise ValueError("a round that was not drawn has no list of tiles")
        listed = sample_tiles(appeal.first_seed, manifest, task)
        return listed[appeal.tile] if appeal.tile < len(listed) else None
    if appeal.question is not Question.NAMED_TILE:
        raise ValueError(f"{appeal.question.value} asks about no single tile")
    grid = sample_grid(spec.region, manifest.audit.tile_px)
    if appeal.position >= len(spec.frames) or appeal.tile >= len(grid):
        return None
    return SampleTile(spec.frames[appeal.position], grid.tile(appeal.tile))


def verdict_commitment(
    of: RoundId, seat: int, verdict: Verdict, ground: Ground, index: int, evidence: Cid, salt: int
) -> int:
    """The sealed verdict that a seat commits to and later opens.

    ``seat`` is the index in the committee; ``salt`` is a secret felt of at least 128 random bits.
    """
    return poseidon(
        [
            VERDICT_TAG,
            *of.felts(),
            seat,
            _VERDICT_INDEX[verdict],
            _GROUND_INDEX[ground],
            index,
            evidence.codec,
            *_halves(evidence),
            salt,
        ]
    )


def poseidon(felts: list[int]) -> int:
    """Starknet's ``poseidon_hash_span``. Raises ValueError for what is no felt."""
    if any(not 0 <= felt < FIELD_PRIME for felt in felts):
        raise ValueError("a felt lies in 0..P-1")
    return int(poseidon_hash_many([int(felt) for felt in felts]))


def _halves(cid: Cid) -> tuple[int, int]:
    return cid.digest_int & (2**128 - 1), cid.digest_int >> 128
