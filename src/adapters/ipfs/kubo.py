"""The ContentStore port over a Kubo node's RPC API.

ipfshttpclient adds files and keeps pins; what it lacks (raw blocks, streamed reads, a timeout
that Kubo itself observes, directory listings with types) goes through httpx here. Nobody else
speaks to Kubo. Every answer is a stranger's: bytes are counted while they arrive.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import ipfshttpclient
from ipfshttpclient.exceptions import Error as IpfsClientError

from ...domain.cid import Cid, Codec, parse_cid
from ...domain.errors import ConfigError, EvidenceError, InputError, MachineError, ServiceError
from ...domain.paths import is_safe_path
from ...ports.content import ContentStat, Progress

LEAST_VERSION = (0, 30, 0)
MAX_BLOCK_BYTES = 1 << 20
MAX_ENTRIES = 10_000
MAX_DEPTH = 32
CHUNKER = "size-1048576"
"""Fixed, so that equal bytes give an equal CID whatever a node's default is."""
_READ_BYTES = 1 << 18
_CONNECT_SECONDS = 10.0
_LOCAL_SECONDS = 120.0
_MULTIADDR = re.compile(r"/(ip4|ip6|dns|dns4|dns6)/([^/]+)/tcp/(\d{1,5})(?:/(http|https))?/?")


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


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    cid: str
    is_directory: bool


class KuboStore:
    """A Kubo node that trusts us: ours, reached at its admin port."""

    def __init__(self, api_multiaddr: str) -> None:
        self._address = api_multiaddr
        self._http = httpx.Client(
            base_url=api_url(api_multiaddr), timeout=httpx.Timeout(_LOCAL_SECONDS, connect=_CONNECT_SECONDS)
        )
        self._checked = False

    def close(self) -> None:
        self._http.close()

    def version(self) -> str:
        answer = self._json("version")
        text = str(answer.get("Version", ""))
        numbers = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
        if numbers < LEAST_VERSION:
            least = ".".join(str(part) for part in LEAST_VERSION)
            raise ServiceError(
                "content.too_old",
                f"the IPFS node at {self._address} is Kubo {text or 'of an unknown version'}",
                remedy=f"use Kubo {least} or newer",
                found=text,
            )
        self._checked = True
        return f"kubo {text}"

    def add_block(self, block: bytes) -> Cid:
        if len(block) > MAX_BLOCK_BYTES:
            raise ValueError(f"a block has at most {MAX_BLOCK_BYTES} bytes, not {len(block)}")
        self._check()
        answer = self._json(
            "block/put",
            params={"cid-codec": "raw", "mhtype": "sha2-256", "pin": "true"},
            files={"data": ("block", block)},
        )
        cid = Cid.of_raw_block(block)
        if answer.get("Key") != str(cid):
            raise self._strange(f"it named a block {answer.get('Key')} whose CID is {cid}")
        return cid

    def add_file(self, path: Path, *, progress: Progress | None = None) -> Cid:
        self._check()
        return self._add(path, path.stat().st_size, progress, recursive=False)

    def add_directory(self, path: Path, *, progress: Progress | None = None) -> Cid:
        self._check()
        entries = list(path.rglob("*"))
        for entry in entries:
            if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
                raise InputError(
                    "content.not_a_file",
                    f"{entry} is neither a regular file nor a directory",
                    remedy="replace links by the files they mean",
                    path=entry,
                )
        size = sum(entry.stat().st_size for entry in entries if entry.is_file())
        return self._add(path, size, progress, recursive=True)

    def stat(self, cid: Cid, *, timeout: float) -> ContentStat:
        self._check()
        if cid.codec is Codec.RAW:
            answer = self._json("block/stat", cid=cid, timeout=timeout)
            return ContentStat(size=int(answer["Size"]), is_directory=False)
        answer = self._json("files/stat", cid=cid, timeout=timeout, prefix="/ipfs/")
        return ContentStat(size=int(answer["CumulativeSize"]), is_directory=answer.get("Type") == "directory")

    def read_block(self, cid: Cid, *, max_bytes: int, timeout: float) -> bytes:
        if cid.codec is not Codec.RAW:
            raise InputError("cid.malformed", f"{cid} does not name a raw block", cid=cid)
        self._check()
        deadline = time.monotonic() + timeout
        parts = list(self._stream("block/get", cid, deadline, _Budget(cid, max_bytes)))
        block = b"".join(parts)
        if Cid.of_raw_block(block) != cid:
            raise EvidenceError("content.wrong_bytes", f"the bytes served for {cid} are others", cid=cid)
        return block

    def fetch(
        self,
        cid: Cid,
        into: Path,
        *,
        max_bytes: int,
        timeout: float,
        progress: Progress | None = None,
    ) -> None:
        if into.exists() or into.is_symlink():
            raise ValueError(f"{into} exists")
        self._check()
        deadline = time.monotonic() + timeout
        claimed = self.stat(cid, timeout=timeout)
        budget = _Budget(cid, max_bytes, claimed.size, progress)
        budget.refuse_claim(claimed.size)
        partial = into.with_name(f".{into.name}.{uuid.uuid4().hex}.part")
        try:
            with _disk(partial):
                into.parent.mkdir(parents=True, exist_ok=True)
                if claimed.is_directory:
                    self._fetch_directory(str(cid), partial, deadline, budget, _Count(), MAX_DEPTH)
                else:
                    self._fetch_file(cid, partial, deadline, budget)
                partial.rename(into)
        finally:
            if partial.is_dir():
                shutil.rmtree(partial, ignore_errors=True)
            else:
                partial.unlink(missing_ok=True)

    def pin(self, cid: Cid, *, timeout: float) -> None:
        self._check()
        self._json("pin/add", cid=cid, timeout=timeout, params={"recursive": "true"})

    def unpin(self, cid: Cid) -> None:
        self._check()
        try:
            self._json("pin/rm", cid=cid, params={"recursive": "true"})
        except ServiceError as error:
            if "not pinned" not in error.message:
                raise

    def pins(self) -> frozenset[Cid]:
        self._check()
        with self._client() as client:
            keys = client.pin.ls(type="recursive")["Keys"]
        found = set()
        for key in keys:
            try:
                found.add(parse_cid(str(key)))
            except InputError:
                continue  # pinned by someone else, in a form we never use
        return frozenset(found)

    def _add(self, path: Path, size: int, progress: Progress | None, *, recursive: bool) -> Cid:
        if progress is not None:
            progress(0, size)
        with self._client() as client:
            answer = client.add(
                str(path), recursive=recursive, pin=True, raw_leaves=True, cid_version=1, chunker=CHUNKER
            )
        root = answer
        if isinstance(answer, list):
            root = next((entry for entry in answer if entry["Name"] == path.name), answer[-1])
        if progress is not None:
            progress(size, size)
        return parse_cid(str(root["Hash"]))

    def _fetch_directory(
        self, cid: str, into: Path, deadline: float, budget: _Budget, count: _Count, depth: int
    ) -> None:
        into.mkdir()
        if depth == 0:
            raise EvidenceError("content.unsafe_name", "the directory is nested too deep", cid=budget.cid)
        for entry in self._list(cid, deadline):
            count.add(budget.cid)
            if "/" in entry.name or not is_safe_path(entry.name) or (into / entry.name).exists():
                raise EvidenceError(
                    "content.unsafe_name",
                    f"{budget.cid} holds an entry named {entry.name[:80]!r}",
                    cid=budget.cid,
                )
            if entry.is_directory:
                self._fetch_directory(entry.cid, into / entry.name, deadline, budget, count, depth - 1)
            else:
                self._fetch_file(entry.cid, into / entry.name, deadline, budget)

    def _fetch_file(self, cid: Cid | str, into: Path, deadline: float, budget: _Budget) -> None:
        with into.open("xb") as file:
            for piece in self._stream("cat", cid, deadline, budget):
                file.write(piece)

    def _list(self, cid: str, deadline: float) -> list[_Entry]:
        answer = self._json("ls", cid=cid, timeout=_left(deadline, cid))
        links = answer["Objects"][0]["Links"]
        if len(links) > MAX_ENTRIES:
            raise EvidenceError("content.too_large", f"{cid} has more than {MAX_ENTRIES} entries", cid=cid)
        entries = []
        for link in links:
            if link["Type"] not in (0, 1, 2) or link.get("Target"):
                raise EvidenceError("content.unsafe_name", f"{cid} holds a link", cid=cid)
            entries.append(_Entry(str(link["Name"]), str(link["Hash"]), link["Type"] == 1))
        return entries

    def _stream(self, call: str, cid: Cid | str, deadline: float, budget: _Budget) -> Iterator[bytes]:
        left = _left(deadline, cid)
        with (
            self._translated(cid),
            self._http.stream(
                "POST",
                f"{call}?arg={quote(str(cid))}&timeout={left:.3f}s",
                timeout=httpx.Timeout(left + 5, connect=_CONNECT_SECONDS),
            ) as response,
        ):
            if response.status_code != 200:
                raise self._refused(response.status_code, response.read(), cid)
            for piece in response.iter_bytes(_READ_BYTES):
                budget.spend(len(piece))
                _left(deadline, cid)
                yield piece

    def _json(
        self,
        call: str,
        *,
        cid: Cid | str | None = None,
        timeout: float | None = None,
        prefix: str = "",
        params: dict[str, str] | None = None,
        files: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        asked = dict(params or {})
        if cid is not None:
            asked["arg"] = f"{prefix}{cid}"
        wait = _LOCAL_SECONDS
        if timeout is not None:
            asked["timeout"] = f"{max(0.001, timeout):.3f}s"
            wait = timeout + 5
        with self._translated(cid):
            response = self._http.post(
                call, params=asked, files=files, timeout=httpx.Timeout(wait, connect=_CONNECT_SECONDS)
            )
            if response.status_code != 200:
                raise self._refused(response.status_code, response.content, cid)
            try:
                answer = json.loads(response.content) if response.content.strip() else {}
            except ValueError:
                raise self._strange("its answer is not JSON") from None
        if not isinstance(answer, dict):
            raise self._strange("its answer is not an object")
        return answer

    def _check(self) -> None:
        if not self._checked:
            self.version()

    @contextmanager
    def _client(self) -> Iterator[Any]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it warns of every Kubo since 0.8; version() checks
                with ipfshttpclient.connect(self._address, timeout=_LOCAL_SECONDS) as client:
                    yield client
        except IpfsClientError as error:
            raise self._unreachable(error) from error

    @contextmanager
    def _translated(self, cid: Cid | str | None) -> Iterator[None]:
        try:
            yield
        except httpx.ReadTimeout as error:
            if cid is None:
                raise self._unreachable(error) from error
            raise _not_found(cid) from error
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _refused(self, status: int, body: bytes, cid: Cid | str | None) -> Exception:
        try:
            said = str(json.loads(body)["Message"])
        except (ValueError, KeyError, TypeError):
            said = body[:200].decode(errors="replace") or f"status {status}"
        absent = ("not found", "could not find", "context deadline exceeded", "no providers", "timeout")
        if cid is not None and any(word in said for word in absent):
            return _not_found(cid)
        return ServiceError(
            "content.refused",
            f"the IPFS node at {self._address} refused: {said[:300]}",
            remedy="look at the node's log",
            status=status,
        )

    def _unreachable(self, error: Exception) -> ServiceError:
        return ServiceError(
            "content.unreachable",
            f"the IPFS node at {self._address} does not answer: {str(error)[:200]}",
            remedy="start Kubo, or set IPFS_API to the address of its API",
            retryable=True,
            address=self._address,
        )

    def _strange(self, what: str) -> ServiceError:
        return ServiceError(
            "content.refused",
            f"the IPFS node at {self._address} answers strangely: {what}",
            address=self._address,
        )


class _Budget:
    """Bytes that may still arrive for one fetch, and who wants to hear of them."""

    def __init__(self, cid: Cid, most: int, claimed: int = 0, progress: Progress | None = None) -> None:
        self.cid, self._most, self._claimed, self._progress = cid, most, claimed, progress
        self._spent = 0

    def refuse_claim(self, claimed: int) -> None:
        if claimed > self._most + self._most // 8 + (1 << 20):  # a DAG's own nodes take a little
            raise self._too_large()

    def spend(self, count: int) -> None:
        self._spent += count
        if self._spent > self._most:
            raise self._too_large()
        if self._progress is not None:
            self._progress(self._spent, max(self._claimed, self._spent))

    def _too_large(self) -> EvidenceError:
        return EvidenceError(
            "content.too_large",
            f"{self.cid} is larger than the {self._most} bytes allowed",
            cid=self.cid,
            max_bytes=self._most,
        )


class _Count:
    def __init__(self) -> None:
        self._entries = 0

    def add(self, cid: Cid) -> None:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise EvidenceError("content.too_large", f"{cid} has more than {MAX_ENTRIES} entries", cid=cid)


def _left(deadline: float, cid: Cid | str) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _not_found(cid)
    return left


def _not_found(cid: Cid | str) -> ServiceError:
    return ServiceError(
        "content.not_found",
        f"nobody served {cid} in time",
        remedy="check that whoever pinned it is online, or allow more time",
        retryable=True,
        cid=cid,
    )


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MachineError(
            "machine.disk_full",
            f"no space is left for {path.parent}",
            remedy="free some space; what was fetched so far has been removed",
            path=path.parent,
        ) from error
