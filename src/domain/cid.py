"""Content identifiers: version 1, SHA-256, either a raw block or a UnixFS node.

The ledger stores a CID as (codec, digest); IPFS writes it as base32 text. Both forms are
the same value, and no other kind of CID is accepted anywhere in Tileproof.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum

from .errors import InputError

_MULTIHASH_SHA256 = b"\x12\x20"


class Codec(IntEnum):
    """The multicodec of the block that a CID names (multiformats table)."""

    RAW = 0x55
    DAG_PB = 0x70


@dataclass(frozen=True, slots=True)
class Cid:
    """A CIDv1 with a SHA-256 digest of 32 bytes."""

    codec: Codec
    digest: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "codec", Codec(self.codec))
        if len(self.digest) != 32:
            raise ValueError(f"a SHA-256 digest has 32 bytes, not {len(self.digest)}")

    def __str__(self) -> str:
        packed = b"\x01" + bytes([self.codec]) + _MULTIHASH_SHA256 + self.digest
        return "b" + base64.b32encode(packed).decode().rstrip("=").lower()

    @property
    def digest_int(self) -> int:
        """The digest as the u256 that the contract stores (big-endian)."""
        return int.from_bytes(self.digest, "big")

    def names(self, block: bytes | bytearray) -> bool:
        """True when this is the CID of the block with these bytes."""
        return hashlib.sha256(block).digest() == self.digest

    @classmethod
    def of_raw_block(cls, block: bytes) -> Cid:
        """The CID of these bytes kept as one raw block."""
        return cls(Codec.RAW, hashlib.sha256(block).digest())

    @classmethod
    def of_digest_int(cls, codec: int, digest: int) -> Cid:
        """The CID from the contract's (codec, u256)."""
        return cls(Codec(codec), digest.to_bytes(32, "big"))


def parse_cid(text: str) -> Cid:
    """The CID written as base32 text (``bafy…``, ``bafk…``).

    Raises:
        InputError: ``cid.malformed`` for anything else, CIDv0 and other hashes included.
    """
    try:
        if not text.startswith("b") or not 2 <= len(text) <= 100 or text != text.lower():
            raise ValueError
        body = text[1:].upper()
        packed = base64.b32decode(body + "=" * (-len(body) % 8))
        if packed[:1] != b"\x01" or packed[2:4] != _MULTIHASH_SHA256 or len(packed) != 36:
            raise ValueError
        cid = Cid(Codec(packed[1]), packed[4:])
        if str(cid) != text:  # non-canonical padding bits
            raise ValueError
        return cid
    except ValueError:
        raise InputError(
            "cid.malformed",
            f"{text[:80]!r} is not a CID that Tileproof can use",
            remedy="give a CIDv1 in base32 with SHA-256 (it starts with bafy or bafk); "
            "`ipfs cid base32` converts older forms",
            cid=text[:100],
        ) from None


_IN_URL = re.compile(
    r"(?:ipfs://(?:ipfs/)?|https?://[^/\s]+/ipfs/|/ipfs/)([A-Za-z0-9]+)(?:[/?#].*)?", re.I | re.S
)
_IN_HOST = re.compile(r"https?://([a-z0-9]{50,})\.ipfs\.[^\s]+", re.I)


def named_cid(text: str) -> Cid:
    """The CID that a person names: bare, as ``ipfs://CID``, as ``/ipfs/CID`` or by a gateway's URL.

    A path below it is passed over: what is asked for is the whole. Raises as ``parse_cid``.
    """
    text = text.strip().strip("\"'")
    found = _IN_URL.fullmatch(text) or _IN_HOST.fullmatch(text)
    return parse_cid(found[1] if found else text)
