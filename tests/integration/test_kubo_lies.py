"""Nodes that are too old, no Kubo at all, or broken: a small server of ours plays them."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tileproof.adapters.ipfs import api
from tileproof.adapters.ipfs.kubo import KuboStore
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.errors import ConfigError, EvidenceError, MachineError, ServiceError, TileproofError

from tests.fakes.unixfs import Blocks, tree_of

MIB = 1 << 20
TIME = 60.0


class Node:
    """Answers as a Kubo that has ``blocks``, but for the calls in ``answers``: those are as given."""

    def __init__(self, port: int) -> None:
        self.api = f"/ip4/127.0.0.1/tcp/{port}/http"
        self.store = KuboStore(self.api)
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
            "version": says({"Version": "0.43.0"})
        }
        self.blocks: Blocks = {}
        self.asked: list[str] = []
        self.over = threading.Event()


@pytest.fixture(name="node")
def a_node() -> Iterator[Node]:
    with running() as node:
        yield node


@contextmanager
def running() -> Iterator[Node]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            url = urlsplit(self.path)
            call = url.path.removeprefix("/api/v0/")
            node.asked.append(call)
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    self.rfile.read(size + 2)
                self.rfile.readline()
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if call in node.answers:
                node.answers[call](self)
                return
            block = node.blocks.get(named(parse_qs(url.query).get("arg", [""])[0], node))
            if call != "block/get" or block is None:
                said(self, 500, {"Message": "context deadline exceeded"})
            else:
                sends(block)(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    node = Node(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield node
    finally:
        node.over.set()
        node.store.close()
        server.shutdown()
        server.server_close()
        thread.join()


def named(text: str, node: Node) -> Cid:
    return next((cid for cid in node.blocks if str(cid) == text), Cid(Codec.RAW, bytes(32)))


def said(handler: BaseHTTPRequestHandler, status: int, what: object) -> None:
    body = what if isinstance(what, bytes) else json.dumps(what).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def says(what: object, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: said(handler, status, what)


def sends(block: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: said(handler, 200, block)


def ends_early(block: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """The connection is gone before the promised length has come."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(block)))
        handler.end_headers()
        handler.wfile.write(block[: len(block) // 2])
        handler.close_connection = True

    return answer


def ends_in_good_order(block: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Half the bytes, a proper end, and the failure in a trailer: what Kubo does."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Trailer", "X-Stream-Error")
        handler.end_headers()
        half = block[: len(block) // 2]
        handler.wfile.write(f"{len(half):x}\r\n".encode() + half + b"\r\n0\r\n")
        handler.wfile.write(b"X-Stream-Error: context deadline exceeded\r\n\r\n")

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    try:
        while True:
            handler.wfile.write(bytes(MIB))
    except OSError:
        pass


def stalls(node: Node, block: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Half the bytes, and then nothing."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(block)))
        handler.end_headers()
        handler.wfile.write(block[: len(block) // 2])
        node.over.wait()
        handler.close_connection = True

    return answer


def trickles(node: Node) -> Callable[[BaseHTTPRequestHandler], None]:
    """A byte now and then, for ever."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        try:
            while not node.over.wait(0.05):
                handler.wfile.write(b".")
        except OSError:
            pass

    return answer


def failure(call: Callable[[], object]) -> TileproofError:
    with pytest.raises(TileproofError) as caught:
        call()
    return caught.value


def every_call(node: Node, room: Path) -> list[Callable[[], object]]:
    cid, store = Cid.of_raw_block(b"x"), node.store
    (room / "folder").mkdir(exist_ok=True)
    (room / "folder" / "file").write_bytes(b"x")
    return [
        store.version,
        store.pins,
        lambda: store.add_block(b"x"),
        lambda: store.add_file(room / "folder" / "file"),
        lambda: store.add_directory(room / "folder"),
        lambda: store.stat(cid, timeout=TIME),
        lambda: store.read_block(cid, max_bytes=9, timeout=TIME),
        lambda: store.fetch(cid, room / "back", max_bytes=9, timeout=TIME),
        lambda: store.pin(cid, timeout=TIME),
        lambda: store.unpin(cid),
    ]


# Who answers


@pytest.mark.parametrize("version", ["0.4.23", "0.42.9", "0.9.1-rc1", "", "go-ipfs"])
def test_a_node_that_is_too_old_is_named_before_anything_is_asked_of_it(
    node: Node, tmp_path: Path, version: str
) -> None:
    node.answers["version"] = says({"Version": version})
    for call in every_call(node, tmp_path):
        error = failure(call)
        assert isinstance(error, ServiceError)
        assert error.code == "content.too_old"
        assert not error.retryable
        assert "0.43.0" in error.remedy
    assert set(node.asked) == {"version"}


@pytest.mark.parametrize("version", ["0.43.1", "0.43.0", "0.43.0-dev", "1.0.0", "0.100.0"])
def test_a_node_that_is_new_enough_is_asked_once_which_it_is(node: Node, version: str) -> None:
    node.answers["version"] = says({"Version": version})
    block = b"some bytes"
    node.blocks[Cid.of_raw_block(block)] = block
    for _ in range(3):
        assert node.store.read_block(Cid.of_raw_block(block), max_bytes=99, timeout=TIME) == block
    assert node.asked == ["version", *["block/get"] * 3]


@pytest.mark.parametrize(
    "answer",
    [
        says(b"<html>404 page not found</html>", 404),
        says(b"<html>Welcome</html>"),
        says(["0.43.0"]),
        says(b"\xff\xfe"),
        says(b"moved", 302),
    ],
    ids=["not found", "a page", "a list", "noise", "elsewhere"],
)
def test_what_is_no_kubo_at_all_is_refused(
    node: Node, tmp_path: Path, answer: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    node.answers["version"] = answer
    for call in every_call(node, tmp_path):
        error = failure(call)
        assert error.code == "content.not_kubo"
        assert "IPFS_API" in error.remedy
        assert "<html>" not in error.message
    assert set(node.asked) == {"version"}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:0",
        "127.0.0.1:99999",
        "ftp://127.0.0.1:5001",
        "http://127.0.0.1:5001/ipfs",
        "http://",
        "/ip4/127.0.0.1",
        "/ip4/1.1.1.1/tcp/0",
        "/ip4/::1/tcp/5001",
        "/ip4/1.1.1.1/udp/5001",
        "/unix/x",
        "two words:5001",
    ],
)
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        KuboStore(address)
    assert caught.value.code == "content.bad_address"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("/ip4/127.0.0.1/tcp/5001/http", "http://127.0.0.1:5001/api/v0"),
        ("/dns/ipfs-node/tcp/5001/http", "http://ipfs-node:5001/api/v0"),
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001/api/v0"),
        ("HTTP://127.0.0.1:5001/", "http://127.0.0.1:5001/api/v0"),
        ("http://127.0.0.1:5001/api/v0/", "http://127.0.0.1:5001/api/v0"),
        ("https://ipfs.example.com", "https://ipfs.example.com:443/api/v0"),
        ("http://someone:secret@node:5001", "http://node:5001/api/v0"),
        ("127.0.0.1:5001", "http://127.0.0.1:5001/api/v0"),
        ("[::1]:5001", "http://[::1]:5001/api/v0"),
        ("localhost:5001", "http://localhost:5001/api/v0"),
        ("/dns/localhost/tcp/5001", "http://localhost:5001/api/v0"),
        ("/dns4/localhost/tcp/5001/https", "https://localhost:5001/api/v0"),
        ("/ip4/127.0.0.1/tcp/5001/http/api/v0", "http://127.0.0.1:5001/api/v0"),
        (' "/ip4/127.0.0.1/tcp/5001/http/" ', "http://127.0.0.1:5001/api/v0"),
        ("/dns4/host/tcp/443/https", "https://host:443/api/v0"),
        ("/ip6/::1/tcp/5001", "http://[::1]:5001/api/v0"),
    ],
)
def test_addresses_are_read_as_multiaddrs(address: str, url: str) -> None:
    assert api.api_url(address) == url


# What it serves: the own node's failing is never evidence against whoever made the content


@pytest.fixture
def tree(node: Node) -> Cid:
    """A file of three blocks below one node, in a directory, all of which the node has."""
    root, _ = tree_of({"a": b"1" * (2 * MIB + 9), "b": b"2"}, node.blocks)
    return root


def check_fetch(node: Node, cid: Cid, room: Path, *, timeout: float = TIME) -> ServiceError:
    """Fails, as a service does, and leaves nothing behind."""
    error = failure(lambda: node.store.fetch(cid, room / "in" / "back", max_bytes=9 * MIB, timeout=timeout))
    assert isinstance(error, ServiceError)
    assert not (room / "in").exists() or not any((room / "in").iterdir())
    return error


def test_a_good_node_is_believed(node: Node, tree: Cid, tmp_path: Path) -> None:
    node.store.fetch(tree, tmp_path / "back", max_bytes=9 * MIB, timeout=TIME)
    assert (tmp_path / "back" / "a").read_bytes() == b"1" * (2 * MIB + 9)


def test_other_bytes_than_the_cid_names_are_the_node_s_fault(node: Node, tree: Cid, tmp_path: Path) -> None:
    whole = dict(node.blocks)
    for cid in whole:
        node.blocks = {**whole, cid: whole[cid][:-1] + b"\0"}
        error = check_fetch(node, tree, tmp_path)
        assert (error.code, error.retryable) == ("content.wrong_bytes", True)
    leaf = next(cid for cid in whole if cid.codec is Codec.RAW)
    node.blocks[leaf] = b"others"
    failed = failure(lambda: node.store.read_block(leaf, max_bytes=9 * MIB, timeout=TIME))
    assert failed.code == "content.wrong_bytes"
    node.blocks[tree] = b"others"
    assert failure(lambda: node.store.stat(tree, timeout=TIME)).code == "content.wrong_bytes"


def test_half_a_body_is_no_body(node: Node, tree: Cid, tmp_path: Path) -> None:
    node.answers["block/get"] = ends_early(node.blocks[tree])
    assert check_fetch(node, tree, tmp_path).code == "content.unreachable"
    node.answers["block/get"] = ends_in_good_order(node.blocks[tree])
    assert check_fetch(node, tree, tmp_path).code == "content.wrong_bytes"


def test_a_body_without_end_is_cut_off(node: Node, tree: Cid, tmp_path: Path) -> None:
    node.answers["block/get"] = endless
    assert check_fetch(node, tree, tmp_path).code == "content.wrong_bytes"
    cid = Cid.of_raw_block(b"x")
    assert (
        failure(lambda: node.store.read_block(cid, max_bytes=9, timeout=TIME)).code == "content.wrong_bytes"
    )


def test_a_body_that_stands_still_or_trickles_ends_in_time(
    node: Node, tree: Cid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "GRACE_SECONDS", 0.3)
    for answer in (stalls(node, node.blocks[tree]), trickles(node)):
        node.answers["block/get"] = answer
        began = time.monotonic()
        assert check_fetch(node, tree, tmp_path, timeout=0.5).code == "content.unreachable"
        assert time.monotonic() - began < 30


def test_a_block_larger_than_allowed_is_too_large_only_when_it_is_what_its_cid_names(node: Node) -> None:
    block = b"1" * 100
    cid = Cid.of_raw_block(block)
    node.blocks[cid] = block
    error = failure(lambda: node.store.read_block(cid, max_bytes=99, timeout=TIME))
    assert isinstance(error, EvidenceError)
    assert error.code == "content.too_large"
    node.blocks[cid] = b"2" * 100
    error = failure(lambda: node.store.read_block(cid, max_bytes=99, timeout=TIME))
    assert error.code == "content.wrong_bytes"


@pytest.mark.parametrize("size", [None, "12", -1, True, 1.5])
def test_a_size_that_is_none_is_refused(node: Node, size: object) -> None:
    node.answers["block/stat"] = says({"Key": "", "Size": size})
    error = failure(lambda: node.store.stat(Cid.of_raw_block(b"x"), timeout=TIME))
    assert error.code == "content.refused"


@pytest.mark.parametrize("size", [0, 1 << 60])
def test_a_node_that_lies_about_sizes_changes_nothing_about_what_is_fetched(
    node: Node, tree: Cid, tmp_path: Path, size: int
) -> None:
    for call in ("block/stat", "files/stat", "dag/stat", "object/stat"):
        node.answers[call] = says({"Size": size, "CumulativeSize": size, "Type": "file"})
    node.store.fetch(tree, tmp_path / "back", max_bytes=2 * MIB + 10, timeout=TIME)
    assert failure(
        lambda: node.store.fetch(tree, tmp_path / "more", max_bytes=2 * MIB + 9, timeout=TIME)
    ).code == ("content.too_large")


# What it does with what it is given


def test_a_node_that_names_a_block_otherwise_is_refused(node: Node) -> None:
    node.answers["block/put"] = says({"Key": str(Cid.of_raw_block(b"another")), "Size": 1})
    assert failure(lambda: node.store.add_block(b"mine")).code == "content.refused"


def test_a_node_whose_disk_is_full_says_so(node: Node, tmp_path: Path) -> None:
    full = says({"Message": "write /data/blocks/x: no space left on device"}, 500)
    node.answers.update({"block/put": full, "add": full})
    for call in every_call(node, tmp_path)[2:5]:
        error = failure(call)
        assert isinstance(error, MachineError)
        assert error.code == "machine.disk_full"


def test_a_node_that_does_not_say_what_it_added_is_refused(node: Node, tmp_path: Path) -> None:
    for answer in (
        {"Name": "other", "Hash": "x", "Size": "1"},
        {"Name": "folder", "Hash": "Qm", "Size": "9"},
        {"Name": "folder", "Hash": str(Cid.of_raw_block(b"x")), "Size": "large"},
        {},
    ):
        node.answers["add"] = says(answer)
        error = failure(every_call(node, tmp_path)[4])
        assert isinstance(error, ServiceError)
        assert error.code == "content.refused"


def test_pins_in_a_form_that_nobody_knows_are_refused(node: Node) -> None:
    answers: tuple[object, ...] = ({}, {"Keys": 5}, [])
    for answer in answers:
        node.answers["pin/ls"] = says(answer)
        assert failure(node.store.pins).code == "content.refused"


def test_whatever_else_a_node_refuses_is_told_in_its_own_words(node: Node, tmp_path: Path) -> None:
    refusal = says({"Message": "repo is locked by a goblin"}, 500)
    for call in ("block/put", "add", "pin/add", "pin/rm", "pin/ls", "block/get"):
        node.answers[call] = refusal
    calls = every_call(node, tmp_path)
    for each in (*calls[1:5], *calls[6:]):
        error = failure(each)
        assert error.code == "content.refused"
        assert "goblin" in error.message


def test_a_gateway_is_named_and_its_page_is_not_printed() -> None:
    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(405)

        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/ipfs/bafkqaaa" else 404)
            self.send_header("X-Ipfs-Path", self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            error = failure(KuboStore(f"127.0.0.1:{server.server_address[1]}").version)
        finally:
            server.shutdown()
            thread.join()
    assert error.code == "content.gateway"
    assert "gateway" in error.message
    assert "Addresses.API" in error.remedy


def test_no_proxy_of_the_environment_is_asked_for_a_node_on_loopback(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "socks://127.0.0.1:9" if "all" in name.lower() else "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    node.answers["pin/ls"] = says({"Keys": {}})
    store = KuboStore(node.api)
    assert store.version() == "kubo 0.43.0"
    assert store.pins() == frozenset()


def test_a_password_in_the_address_is_sent_and_never_shown(node: Node) -> None:
    heard: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        heard.append(handler.headers.get("Authorization"))
        said(handler, 403, {"Message": "no"})

    node.answers["version"] = answer
    port = node.api.split("/")[4]
    error = failure(KuboStore(f"http://someone:hunter2@127.0.0.1:{port}").version)
    assert heard == ["Basic " + base64.b64encode(b"someone:hunter2").decode()]
    assert error.code == "content.forbidden"
    assert "hunter2" not in str(error.as_json())
