"""What an operator decides about a worker."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.block_time import ASSUMED_BLOCK_SECONDS
from ..domain.money import ZERO, Fri


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Bounds on money, time, memory and disk; sizes are bytes, times seconds unless named otherwise."""

    poll_seconds: float = 2.0
    min_reward: Fri = ZERO
    price_per_gib: Fri = ZERO
    """What a GiB fetched or served costs the operator; a reward has to cover it, and gas."""
    max_claims: int = 2
    """Claims under way at once, those that wait for their verdict included: bonds at stake."""
    stop_after_rejects: int = 1
    """Results rejected by a committee before this worker claims nothing more: a machine that
    renders differently loses a bond with every claim."""
    stop_after_failures: int = 2
    """Tasks of one job that went wrong here after they were claimed, each for a share of a bond,
    before the rest of the job is left to others."""
    check_tiles: int = 2
    """Tiles of each task that a fresh process renders again before anything is submitted."""
    check_tile_px: int = 32
    appeal: bool = True
    """Contest a verdict against a result that this machine finds right, where that pays."""
    fetch_seconds: float = 600.0
    manifest_seconds: float = 60.0
    """For one block of at most 1 MiB: who does not serve it in time is asked again later."""
    longest_pause_seconds: float = 3600.0
    """A job that cannot be begun is looked at again after pauses that double up to this."""
    session_seconds: float = 6 * 3600.0
    finish_seconds: float = 30.0
    """When asked to stop: a task that is expected to end within this is finished, others are
    given back."""
    stagger_seconds: float = 4.0
    """How long to leave draw and settle, which anyone may send, to the others first."""
    block_seconds: float = ASSUMED_BLOCK_SECONDS
    memory_bytes: int = 8 << 30
    threads: int = 1
    max_scene_bytes: int = 20 << 30
    scene_cache_bytes: int = 40 << 30
    max_picture_px: int = 1 << 27
    """Pixels of one picture: its buffers must fit in memory."""
    max_result_bytes: int = 20 << 30
    keep_blocks: int = 1_800
    """How long after the final outcome results stay pinned (docs/protocol.md, reorganisations)."""
