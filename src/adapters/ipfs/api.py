"""Kubo's RPC API as far as ipfshttpclient lacks it: raw blocks, a timeout that Kubo itself
observes, errors told apart. Every answer is a stranger's: bytes are counted while they arrive.

Kubo reports a failure in the middle of a streamed ``cat`` in an HTTP trailer, which no Python
client shows: such a body ends early and looks whole. So files are read block by block, each
checked against its CID.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from ...domain.cid import Cid
from ...domain.errors import ConfigError, MachineError, ServiceError

LARGEST_BLOCK_BYTES = 2 << 20
"""What nodes pass on to each other (Bitswap)."""
_CONNECT_SECONDS = 10.0
LOCAL_SECONDS = 120.0
GRACE_SECONDS = 5.0
"""How much later than its own timeout a node may say that it has passed."""
_MULTIADDR = re.compile(r"/(ip4|ip6|dns|dns4|dns6)/([^/]+)/tcp/(\d{1,5})(?:/(http|https))?/?")
_ABSENT = ("not found", "could not find", "context deadline exceeded", "no providers", "timeout")


def api_url(multiaddr: str) -> str:
    """The base URL that an API multiaddr such as ``/ip4/127.0.0.1/tcp/5001/http`` names.

    Raises ConfigError ``content.bad_address``.
    """
    match = _MULTIADDR.fullmatch(multiaddr.strip())
    if match is None or not 0 < int(match[3]) < 65536:
        raise ConfigError(
            "content.bad_address",
            f"{multiaddr!r} is not the address of a Kubo API",
            remedy="set IPFS_API to a multiaddr such as /ip4/127.0.0.1/tcp/5001/http",
            address=multiaddr,
        )
    host = f"[{match[2]}]" if match[1] == "ip6" else match[2]
    return f"{match[4] or 'http'}://{host}:{match[3]}/api/v0"


class KuboApi:
    """Calls of one node. Of several threads at once, each waits for its own."""

    def __init__(self, multiaddr: str) -> None:
        self.address = multiaddr
        self._http = httpx2.Client(
            base_url=api_url(multiaddr), timeout=httpx2.Timeout(LOCAL_SECONDS, connect=_CONNECT_SECONDS)
        )

    def close(self) -> None:
        self._http.close()

    def call(
        self,
        name: str,
        *,
        cid: Cid | None = None,
        timeout: float | None = None,
        params: dict[str, str] | None = None,
        files: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The object that the call answers with.

        Raises ServiceError as the port says, ``content.refused`` for all else.
        """
        asked = dict(params or {})
        if cid is not None:
            asked["arg"] = str(cid)
        if timeout is not None:
            asked["timeout"] = f"{max(0.001, timeout):.3f}s"
        with self._translated():
            response = self._http.post(name, params=asked, files=files, timeout=_patience(timeout))
        if response.status_code != 200:
            raise self._refused(response.status_code, response.content, cid)
        try:
            answer = json.loads(response.content) if response.content.strip() else {}
        except ValueError:
            raise self.strange("its answer is not JSON") from None
        if not isinstance(answer, dict):
            raise self.strange("its answer is not an object")
        return answer

    def block(self, cid: Cid, *, deadline: float) -> bytes:
        """A block's bytes, equal to the CID's digest.

        Raises ServiceError ``content.wrong_bytes`` when the node serves others.
        """
        if cid.names(b""):
            return b""  # nodes do not pass the empty block on to each other
        left = deadline - time.monotonic()
        if left <= 0:
            raise not_found(cid)
        block = bytearray()
        with (
            self._translated(),
            self._http.stream(
                "POST",
                "block/get",
                params={"arg": str(cid), "timeout": f"{left:.3f}s"},
                timeout=_patience(left),
            ) as response,
        ):
            if response.status_code != 200:
                raise self._refused(response.status_code, response.read(), cid)
            for piece in response.iter_bytes():
                block += piece
                if len(block) > LARGEST_BLOCK_BYTES:
                    raise self._wrong_bytes(cid)
                if time.monotonic() > deadline + GRACE_SECONDS:
                    raise self.unreachable("its answer does not end")
        if not cid.names(block):
            raise self._wrong_bytes(cid)
        return bytes(block)

    def unreachable(self, why: object) -> ServiceError:
        return ServiceError(
            "content.unreachable",
            f"the IPFS node at {self.address} does not answer: {str(why)[:200]}",
            remedy="start Kubo, or set IPFS_API to the address of its API",
            retryable=True,
            address=self.address,
        )

    def strange(self, what: str) -> ServiceError:
        return ServiceError(
            "content.refused",
            f"the IPFS node at {self.address} answers strangely: {what}",
            remedy="check that IPFS_API is the address of a Kubo node's API",
            address=self.address,
        )

    def refusal(self, said: str, status: int | None = None) -> ServiceError | MachineError:
        """The error for what the node itself says went wrong."""
        if "no space left" in said:
            return MachineError(
                "machine.disk_full",
                f"the IPFS node at {self.address} has no space left",
                remedy="free some space on its disk; `ipfs repo gc` drops what is not pinned",
                address=self.address,
            )
        return ServiceError(
            "content.refused",
            f"the IPFS node at {self.address} refused: {said[:300]}",
            remedy="look at the node's log",
            status=status,
        )

    def _wrong_bytes(self, cid: Cid) -> ServiceError:
        return ServiceError(
            "content.wrong_bytes",
            f"the IPFS node at {self.address} served other bytes than {cid} names",
            remedy="check the node's disk: `ipfs repo verify`",
            retryable=True,
            cid=cid,
        )

    def _refused(self, status: int, body: bytes, cid: Cid | None) -> ServiceError | MachineError:
        try:
            said = str(json.loads(body)["Message"])
        except (ValueError, KeyError, TypeError):
            said = body[:200].decode(errors="replace") or f"status {status}"
            return self.refusal(said, status=status)
        if cid is not None and any(word in said for word in _ABSENT):
            return not_found(cid)
        return self.refusal(said, status=status)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx2.HTTPError as error:
            raise self.unreachable(error) from error


def not_found(cid: Cid) -> ServiceError:
    return ServiceError(
        "content.not_found",
        f"nobody served {cid} in time",
        remedy="check that whoever pinned it is online, or allow more time",
        retryable=True,
        cid=cid,
    )


def _patience(timeout: float | None) -> httpx2.Timeout:
    wait = LOCAL_SECONDS if timeout is None else timeout + GRACE_SECONDS
    return httpx2.Timeout(wait, connect=_CONNECT_SECONDS)
