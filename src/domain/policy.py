"""How a job's results are judged: the requester's choice, fixed in the manifest, within bounds.

Three lanes. **Exact**: every bit. **Calibrated**: machines whose honest renders differ a little are
judged by a measured gate. **Hash**: where neither is to be had, likeness decides, and never takes a
bond. A worker's word widens none of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .canonical import Fields
from .job import Lane

EXACT, CALIBRATED, HASH = LANES = ("exact", "calibrated", "hash")

MAX_TILE_PX = 65_536
MAX_SAMPLE_TILES = 4_096

ACCEPT_DB, REJECT_DB = 60.0, 54.0
"""The calibrated lane's gate where the requester names none (docs/adr/0015)."""
LEAST_ACCEPT_DB, MOST_ACCEPT_DB = 50.0, 90.0
LEAST_REJECT_DB = 40.0
LEAST_BAND_DB = 4.0
"""What an honest machine's gate and line are apart at least: half as much difference again."""
LEAST_GATED_TILE_PX, LEAST_HASHED_TILE_PX = 64, 128
"""Of the calibrated and of the hash lane: what their thresholds were measured on. A few pixels decide a
smaller tile, and noise decides its hashes."""

PHASH_BITS, DHASH_BITS, WHASH_BITS, BAND_BITS = 10, 10, 10, 6
"""The hash lane's, of 64 bits each, where the requester names none (docs/adr/0015)."""
MOST_BITS = 20
"""Unrelated pictures lie around 32 bits apart, some of them much nearer."""
LEAST_BAND_BITS, MOST_BAND_BITS = 2, 12


@dataclass(frozen=True, slots=True)
class AuditPolicy:
    """How results are judged; chosen by the requester, never widened by a worker.

    Thresholds of a lane that is not the job's are 0, so that one policy has one encoding.
    """

    lane: str  # one of LANES
    tile_px: int  # edge of a sample tile
    sample_tiles: int  # per audit
    accept_db: float = 0.0  # calibrated: a tile at least so alike is accepted
    reject_db: float = 0.0  # one less alike is different; between the two nobody is accused
    phash_bits: int = 0  # hash: a tile is accepted when no hash differs by more than its bits
    dhash_bits: int = 0
    whash_bits: int = 0
    band_bits: int = 0  # one that any hash puts so much further away is different

    @property
    def settled_in(self) -> Lane:
        """The contract's lane that such a job must be created in: only there a reject costs what
        this policy says it may cost."""
        return Lane.HASH if self.lane == HASH else Lane.EXACT


def default_policy(lane: str, tile_px: int, sample_tiles: int) -> AuditPolicy:
    """The lane with its own thresholds; ``trouble_of`` says whether it may be used."""
    policy = AuditPolicy(lane, tile_px, sample_tiles)
    if lane == CALIBRATED:
        return replace(policy, accept_db=ACCEPT_DB, reject_db=REJECT_DB)
    if lane == HASH:
        return replace(
            policy,
            phash_bits=PHASH_BITS,
            dhash_bits=DHASH_BITS,
            whash_bits=WHASH_BITS,
            band_bits=BAND_BITS,
        )
    return policy


def describe_policy(policy: AuditPolicy) -> str:
    """The lane and its thresholds in words, for plans and pages."""
    if policy.lane == CALIBRATED:
        return (
            f"calibrated lane: accepted from {policy.accept_db:g} dB, rejected below {policy.reject_db:g} dB"
        )
    if policy.lane == HASH:
        return (
            f"hash lane: accepted within {policy.phash_bits}, {policy.dhash_bits} and {policy.whash_bits} of "
            f"64 bits (pHash, dHash, wHash), refused {policy.band_bits} further away; a reject takes no bond"
        )
    return "exact lane: equal to the last bit"


def read_policy(fields: Fields) -> AuditPolicy:
    """The policy of an untrusted manifest. Raises EvidenceError ``<kind>.malformed``."""
    policy = AuditPolicy(
        lane=fields.choice("lane", *LANES),
        tile_px=fields.integer("tile_px", 1, MAX_TILE_PX),
        sample_tiles=fields.integer("sample_tiles", 1, MAX_SAMPLE_TILES),
        accept_db=fields.number("accept_db", 0.0, MOST_ACCEPT_DB),
        reject_db=fields.number("reject_db", 0.0, MOST_ACCEPT_DB),
        phash_bits=fields.integer("phash_bits", 0, MOST_BITS),
        dhash_bits=fields.integer("dhash_bits", 0, MOST_BITS),
        whash_bits=fields.integer("whash_bits", 0, MOST_BITS),
        band_bits=fields.integer("band_bits", 0, MOST_BAND_BITS),
    )
    trouble = trouble_of(policy)
    if trouble is not None:
        raise fields.fail("lane", trouble)
    fields.done()
    return policy


def trouble_of(policy: AuditPolicy) -> str | None:
    """Why nobody should judge by this policy; None when it is within bounds."""
    gate = (policy.accept_db, policy.reject_db)
    bits = (policy.phash_bits, policy.dhash_bits, policy.whash_bits, policy.band_bits)
    if policy.lane not in LANES:
        return f"is none of {', '.join(LANES)}"
    if policy.lane != CALIBRATED and any(gate):
        return "has a gate in decibels without being calibrated"
    if policy.lane != HASH and any(bits):
        return "has thresholds in bits without being hash"
    least = {EXACT: 1, CALIBRATED: LEAST_GATED_TILE_PX, HASH: LEAST_HASHED_TILE_PX}[policy.lane]
    if policy.tile_px < least:
        return f"is {policy.lane} with tiles of {policy.tile_px} px, below {least}"
    if policy.lane == CALIBRATED:
        return _trouble_of_gate(policy)
    return _trouble_of_bits(policy) if policy.lane == HASH else None


def _trouble_of_gate(policy: AuditPolicy) -> str | None:
    if not LEAST_ACCEPT_DB <= policy.accept_db <= MOST_ACCEPT_DB:
        return f"accepts from {policy.accept_db} dB, outside {LEAST_ACCEPT_DB:g}..{MOST_ACCEPT_DB:g}"
    if not LEAST_REJECT_DB <= policy.reject_db <= policy.accept_db - LEAST_BAND_DB:
        return (
            f"rejects below {policy.reject_db} dB, outside {LEAST_REJECT_DB:g}.."
            f"{policy.accept_db - LEAST_BAND_DB:g}: nobody is accused within {LEAST_BAND_DB:g} dB of the gate"
        )
    return None


def _trouble_of_bits(policy: AuditPolicy) -> str | None:
    if not all(0 <= bits <= MOST_BITS for bits in (policy.phash_bits, policy.dhash_bits, policy.whash_bits)):
        return f"accepts more than {MOST_BITS} of 64 bits"
    if not LEAST_BAND_BITS <= policy.band_bits <= MOST_BAND_BITS:
        return f"leaves {policy.band_bits} bits undecided, outside {LEAST_BAND_BITS}..{MOST_BAND_BITS}"
    return None
