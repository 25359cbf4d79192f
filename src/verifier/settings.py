"""What an operator decides about a verifier."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.block_time import ASSUMED_BLOCK_SECONDS


@dataclass(frozen=True, slots=True)
class VerifierSettings:
    """Bounds on time, memory and disk; sizes are bytes, times seconds unless named otherwise."""

    poll_seconds: float = 2.0
    stagger_seconds: float = 6.0
    """Verifiers spread what anyone may send (draw, settle) over this long, so that one sends
    and the others find it done."""
    block_seconds: float = ASSUMED_BLOCK_SECONDS
    """Assumed time between blocks until this process has measured it."""
    commit_margin_blocks: int = 3
    """Blocks of the commit window kept free for sending the commitment."""
    fetch_share: float = 0.5
    """Share of the time up to the deadline that fetching may take before bytes count as
    withheld; the rest is for rendering."""
    fetch_seconds: float = 600.0
    """The same bound where there is no deadline (an audit by hand)."""
    session_seconds: float = 3_600.0
    memory_bytes: int = 8 << 30
    threads: int = 0
    """Blender's threads; 0 is one per core."""
    max_scene_bytes: int = 20 << 30
    scene_cache_bytes: int = 40 << 30
    keep_reports_blocks: int = 1_800
    """How long after the outcome a report stays pinned (docs/protocol.md, reorganisations)."""
    preview_seconds: float = 30.0
    """How long small renders are made of a task's frames, in one more session, for the screen to hold
    them against; hints in the report and no part of the verdict. 0 saves their cost. Within it every
    frame is looked at, or as many as it allows, evenly spread; a session that takes twice as long
    is ended."""
    pictures_different: int = 4
    pictures_equal: int = 2
    """Tiles of either kind whose pictures go into the report's page."""
