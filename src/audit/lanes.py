"""A tile's scores and the requester's policy in, the tile's standing out: one rule per lane.

Exact: bits. Calibrated: PSNR against the policy's gate. Hash: perceptual hashes against the
policy's bits. The two that have a gate have a band under it in which nobody is accused: the same
tile lies a little nearer to one honest verifier's render than to another's.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.policy import CALIBRATED, HASH, AuditPolicy
from ..domain.verdict import Standing
from .compare import TileScore


def stand(score: TileScore, policy: AuditPolicy) -> Standing:
    """How a submitted tile, or finished frame, stands to its re-render by the policy's lane."""
    if score.equal:
        return Standing.EQUAL
    if policy.lane == CALIBRATED:
        return _by_psnr(score, policy)
    if policy.lane == HASH:
        return _by_hashes(score, policy)
    return Standing.DIFFERENT


def worst(standings: Sequence[Standing]) -> Standing:
    """Of a tile's passes and the frame finished from them, say. Raises ValueError for none."""
    return max(standings, key=list(Standing).index)


def _by_psnr(score: TileScore, policy: AuditPolicy) -> Standing:
    if score.psnr_db >= policy.accept_db:
        return Standing.WITHIN
    return Standing.BETWEEN if score.psnr_db >= policy.reject_db else Standing.DIFFERENT


def _by_hashes(score: TileScore, policy: AuditPolicy) -> Standing:
    """Within when every hash is; different when any one is beyond its band."""
    hashes = score.hashes
    beyond = max(
        hashes.phash - policy.phash_bits, hashes.dhash - policy.dhash_bits, hashes.whash - policy.whash_bits
    )
    if beyond <= 0:
        return Standing.WITHIN
    return Standing.BETWEEN if beyond <= policy.band_bits else Standing.DIFFERENT
