"""The ContentStore port over a Kubo node.

ipfshttpclient, which adds files and lists pins, is imported here and nowhere else,
and only when it is used: its import takes a third of a second.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...domain.cid import Cid, Codec, parse_cid
from ...domain.errors import EvidenceError, InputError, ServiceError
from ...domain.paths import is_safe_path
from ...ports.content import MAX_BLOCK_BYTES, MAX_ENTRIES, ContentStat, Progress
from ..proxies import proxy_for
from .api import LOCAL_SECONDS, KuboApi
from .download import download, node_of

LEAST_VERSION = (0, 43, 0)
"""The one floor, in the code and in the documents: what every test runs with."""
CHUNKER = "size-1048576"
"""Fixed, so that equal bytes give an equal CID whatever a node's default is."""
READ_AHEAD = 16
"""A block that lies elsewhere takes a round trip or two, so several are on their way at once."""


class KuboStore:
    """A Kubo node that trusts us: ours, reached at its admin port.

    Raises also ServiceError ``content.too_old``, ``content.wrong_bytes`` (the node is broken:
    nobody else is to blame) and ``content.refused``; MachineError ``machine.disk_full`` when it is
    the node's disk.
    """

    def __init__(self, api_multiaddr: str) -> None:
        self._api = KuboApi(api_multiaddr)
        self._checked = False

    def close(self) -> None:
        self._api.close()

    def version(self) -> str:
        text = self._api.version()
        numbers = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
        if numbers < LEAST_VERSION:
            least = ".".join(str(part) for part in LEAST_VERSION)
            raise ServiceError(
                "content.too_old",
                f"the IPFS node at {self._api.address} is Kubo {text or 'of an unknown version'}",
                remedy=f"use Kubo {least} or newer",
                found=text,
            )
        self._checked = True
        return f"kubo {text}"

    def add_block(self, block: bytes) -> Cid:
        if len(block) > MAX_BLOCK_BYTES:
            raise ValueError(f"a block has at most {MAX_BLOCK_BYTES} bytes, not {len(block)}")
        self._check()
        return self._put_block(block, pin=True)

    def add_file(self, path: Path, *, progress: Progress | None = None) -> Cid:
        if path.is_symlink() or not path.is_file():
            raise _not_a_file(path)
        self._check()
        return self._add(path, {path.name: path.stat().st_size}, progress)

    def add_directory(self, path: Path, *, progress: Progress | None = None) -> Cid:
        if not path.is_dir():
            raise _not_a_file(path)
        path = path.resolve()
        sizes = {path.name: 0}
        for entry in path.rglob("*"):
            inner = entry.relative_to(path).as_posix()
            if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
                raise _not_a_file(entry)
            if not is_safe_path(inner):
                raise InputError(
                    "content.unsafe_name",
                    f"no other machine would write a file named {inner[:80]!r}",
                    remedy="rename it",
                    path=inner,
                )
            if len(sizes) > MAX_ENTRIES:
                raise InputError("content.too_many_files", f"{path} has more than {MAX_ENTRIES} entries")
            sizes[f"{path.name}/{inner}"] = entry.stat().st_size if entry.is_file() else 0
        self._check()
        return self._add(path, sizes, progress)

    def stat(self, cid: Cid, *, timeout: float) -> ContentStat:
        self._check()
        if cid.codec is Codec.RAW and not cid.names(b""):
            size = self._api.call("block/stat", cid=cid, timeout=timeout).get("Size")
            if type(size) is not int or size < 0:
                raise self._api.strange("it does not say how large a block is")
            return ContentStat(size, is_directory=False)
        block = self._api.block(cid, deadline=time.monotonic() + timeout)
        root = node_of(cid, block, inside=cid)
        return ContentStat(root.size, root.is_directory)

    def read_block(self, cid: Cid, *, max_bytes: int, timeout: float) -> bytes:
        if cid.codec is not Codec.RAW:
            raise InputError("cid.malformed", f"{cid} does not name a raw block", cid=cid)
        self._check()
        block = self._api.block(cid, deadline=time.monotonic() + timeout)
        if len(block) > max_bytes:
            raise EvidenceError(
                "content.too_large",
                f"{cid} is larger than the {max_bytes} bytes allowed",
                cid=cid,
                max_bytes=max_bytes,
            )
        return block

    def fetch(
        self, cid: Cid, into: Path, *, max_bytes: int, timeout: float, progress: Progress | None = None
    ) -> None:
        self._check()
        deadline = time.monotonic() + timeout

        def read(block: Cid) -> bytes:
            return self._api.block(block, deadline=deadline)

        download(cid, into, read, max_bytes=max_bytes, progress=progress, ahead=READ_AHEAD)

    def pin(self, cid: Cid, *, timeout: float) -> None:
        self._check()
        self._put_block(b"", pin=False)  # an empty file's: nodes do not pass it on to each other
        self._api.call("pin/add", cid=cid, timeout=timeout, params={"recursive": "true"})

    def unpin(self, cid: Cid) -> None:
        self._check()
        try:
            self._api.call("pin/rm", cid=cid, params={"recursive": "true"})
        except ServiceError as error:
            if "not pinned" not in error.message:
                raise

    def pins(self) -> frozenset[Cid]:
        self._check()
        with self._client() as client:
            answer = client.pin.ls(type="recursive")
        try:
            keys = list(answer["Keys"])
        except (KeyError, TypeError):
            raise self._api.strange("it does not say what is pinned") from None
        found = set()
        for key in keys:
            try:
                found.add(parse_cid(str(key)))
            except InputError:
                continue  # pinned by someone else, in a form we never use
        return frozenset(found)

    def _put_block(self, block: bytes, *, pin: bool) -> Cid:
        answer = self._api.call(
            "block/put",
            params={"cid-codec": "raw", "mhtype": "sha2-256", "pin": str(pin).lower()},
            files={"data": ("block", block)},
        )
        cid = Cid.of_raw_block(block)
        if answer.get("Key") != str(cid):
            raise self._api.strange(f"it named a block {answer.get('Key')} whose CID is {cid}")
        return cid

    def _add(self, path: Path, sizes: Mapping[str, int], progress: Progress | None) -> Cid:
        """``sizes``: what has to be there afterwards, by the names that Kubo answers with."""
        total = sum(sizes.values())
        if progress is not None:
            progress(0, total)
        with self._client() as client:
            answer = client.add(
                str(path), recursive=True, pin=True, raw_leaves=True, cid_version=1, chunker=CHUNKER
            )
        try:
            entries = answer if isinstance(answer, list) else [answer]
            added = {str(entry["Name"]): int(entry["Size"]) for entry in entries}
            root = next(parse_cid(str(entry["Hash"])) for entry in entries if entry["Name"] == path.name)
        except (KeyError, TypeError, ValueError, StopIteration, InputError):
            raise self._api.strange("it does not say what it added") from None
        # The library passes over what it cannot read, and so would make another directory.
        lost = [name for name in sizes if added.get(name, -1) < sizes[name]]
        if lost:
            self.unpin(root)
            raise InputError(
                "content.unreadable",
                f"{lost[0]} could not be read whole",
                remedy="make it readable, and leave it alone while it is added",
                path=lost[0],
            )
        if progress is not None:
            progress(total, total)
        return root

    def _check(self) -> None:
        if not self._checked:
            self.version()

    @contextmanager
    def _client(self) -> Iterator[Any]:
        import ipfshttpclient
        from ipfshttpclient.exceptions import Error as IpfsClientError
        from ipfshttpclient.exceptions import ErrorResponse

        try:
            # The class itself, since `connect` warns of every Kubo since 0.8; version() checks.
            with ipfshttpclient.Client(
                self._api.address, auth=self._api.at.user, timeout=LOCAL_SECONDS
            ) as client:
                _choose_proxy(client, self._api.at.root)
                yield client
        except ErrorResponse as error:
            raise self._api.refusal(str(error)) from error
        except IpfsClientError as error:
            raise self._api.unreachable(error) from error


def _choose_proxy(client: Any, url: str) -> None:
    """Lets the library ask through the proxy that we would use; it would ask loopback through one."""
    session, proxy = client._client._access_session()[1], proxy_for(url)
    session.trust_env = False
    session.proxies = {} if proxy is None else {"http": proxy, "https": proxy}


def _not_a_file(path: Path) -> InputError:
    return InputError(
        "content.not_a_file",
        f"{path} is neither a regular file nor a directory",
        remedy="replace links by the files they mean",
        path=path,
    )
