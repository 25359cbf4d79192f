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
from ...domain.errors import MachineError, ServiceError
from ...domain.redaction import redacted
from ..proxies import client_options
from .address import parse_api_address

LARGEST_BLOCK_BYTES = 2 << 20
"""What nodes pass on to each other (Bitswap)."""
_CONNECT_SECONDS = 10.0
EMPTY_FILE = "bafkqaaa"
"""The CID of an empty file, which is inside the CID itself: every gateway has it."""
_PRINTABLE = re.compile(r"[^\x20-\x7e]")
LOCAL_SECONDS = 120.0
GRACE_SECONDS = 5.0
"""How much later than its own timeout a node may say that it has passed."""
_ABSENT = ("not found", "could not find", "context deadline exceeded", "no providers", "timeout")


def api_url(address: str) -> str:
    """Returns the base URL that an API's address means. Raises ConfigError ``content.bad_address``."""
    return f"{parse_api_address(address).root}/api/v0"


class KuboApi:
    """Calls of one node. Of several threads at once, each waits for its own.

    Raises ConfigError ``content.bad_address``, ``proxy.unusable``.
    """

    def __init__(self, address: str) -> None:
        self.at = parse_api_address(address)
        self.address = self.at.multiaddr
        self._http = httpx2.Client(
            base_url=f"{self.at.root}/api/v0",
            auth=self.at.user,
            timeout=httpx2.Timeout(LOCAL_SECONDS, connect=_CONNECT_SECONDS),
            **client_options(self.at.root),
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

    def version(self) -> str:
        """Returns the version that the node names.

        Raises as ``call``, and ServiceError ``content.gateway``, ``content.not_kubo`` and
        ``content.forbidden`` for what is no API, or none for us.
        """
        with self._translated():
            response = self._http.post("version", timeout=_patience(None))
        if response.status_code in (401, 403):
            raise ServiceError(
                "content.forbidden",
                f"the IPFS node at {self.address} wants to know who asks (HTTP {response.status_code})",
                remedy="set IPFS_API to http://USER:PASSWORD@HOST:PORT, as API.Authorizations of its "
                "configuration has it",
                address=self.address,
            )
        try:
            answer = json.loads(response.content) if response.status_code == 200 else None
        except ValueError:
            answer = None
        if isinstance(answer, dict) and isinstance(answer.get("Version"), str):
            return str(answer["Version"])
        if response.status_code >= 500:
            raise self._refused(response.status_code, response.content, None)
        raise self._no_api(response)

    def _no_api(self, response: httpx2.Response) -> ServiceError:
        """Returns the error for a server that is no Kubo API; a gateway is asked for the empty file."""
        if self._is_gateway():
            return ServiceError(
                "content.gateway",
                f"what answers at {self.address} is an IPFS gateway, not the API of a Kubo node",
                remedy="set IPFS_API to Addresses.API of the node's configuration (often port 5001)",
                address=self.address,
            )
        server = _PRINTABLE.sub("", response.headers.get("server", ""))[:60]
        named = f", a server that calls itself {server}" if server else ""
        return ServiceError(
            "content.not_kubo",
            f"what answers at {self.address} is not the API of a Kubo node: "
            f"HTTP {response.status_code}{named}",
            remedy="set IPFS_API to Addresses.API of a Kubo node's configuration (often port 5001); "
            "a gateway or another server answers like this one",
            address=self.address,
            status=response.status_code,
        )

    def _is_gateway(self) -> bool:
        try:
            page = self._http.get(f"{self.at.root}/ipfs/{EMPTY_FILE}", timeout=_patience(5.0))
        except httpx2.HTTPError:
            return False
        return page.status_code == 200 and ("x-ipfs-path" in page.headers or not page.content)

    def unreachable(self, why: object) -> ServiceError:
        return ServiceError(
            "content.unreachable",
            f"the IPFS node at {self.address} does not answer: {redacted(str(why))[:200]}",
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
