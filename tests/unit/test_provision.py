"""Tools come by themselves: found, downloaded or built, whole or not at all, once."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from platform import machine, system

import pytest
from rich.console import Console
from tileproof.domain.errors import MachineError
from tileproof.provision import table
from tileproof.provision.bench import Bench
from tileproof.provision.download import GivenSource, parse_digest
from tileproof.provision.install import How, log_of, provide
from tileproof.provision.locate import find, in_cache
from tileproof.provision.progress import Progress
from tileproof.provision.recipes import CargoInstall, GoBuild, PipEnvironment
from tileproof.provision.table import Download, Tool

SAYS_VERSION = "#!/bin/sh\necho anvil 1.2.3\n"
MAKES_IT = f"mkdir bin && printf '{SAYS_VERSION}' >bin/anvil && chmod +x bin/anvil".replace("\n", "\\n")


@dataclass(frozen=True)
class Script:
    """A recipe that runs a shell script in the prefix."""

    text: str = MAKES_IT
    variables: tuple[tuple[str, str], ...] = ()

    def build(self, bench: Bench) -> None:
        bench.run(["sh", "-ec", f"cd {bench.prefix}; {self.text}"], dict(self.variables))


ANVIL = Tool("anvil", "1.2.3", "bin/anvil", "a test's tool", 1, Script(), disk_gib=0)


@dataclass
class Told:
    """A console and what was printed on it."""

    text: io.StringIO = field(default_factory=io.StringIO)

    @property
    def progress(self) -> Progress:
        return Progress(Console(file=self.text, width=500), plain_seconds=0)

    def __contains__(self, words: str) -> bool:
        return words in self.text.getvalue()


@pytest.fixture
def told() -> Told:
    return Told()


def building(script: str, tool: Tool = ANVIL) -> Tool:
    return replace(tool, recipe=Script(script))


def names_in(folder: Path) -> set[str]:
    """What is there but the locks, which stay."""
    return {p.name for p in folder.iterdir() if p.suffix != ".lock"} if folder.exists() else set()


def put_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return program


# --- found ---


def test_the_right_version_on_path_is_taken_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    program = put_on_path(monkeypatch, tmp_path / "bin", "anvil", SAYS_VERSION)
    got = provide(building("exit 1"), tmp_path / "cache", told.progress)
    assert (got.program, got.how) == (program, How.FOUND)
    assert not (tmp_path / "cache").exists()
    assert told.text.getvalue() == ""


@pytest.mark.parametrize(
    "says", ["echo anvil 1.2.4", "echo no version at all", "exit 3", "exec nothing-there"]
)
def test_another_version_on_path_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told, says: str
) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", "anvil", f"#!/bin/sh\n{says}\n")
    got = provide(ANVIL, tmp_path / "cache", told.progress)
    assert (got.program, got.how) == (in_cache(ANVIL, tmp_path / "cache"), How.BUILT)


def test_a_tool_that_is_more_than_one_program_is_not_looked_for_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(monkeypatch, tmp_path / "bin", "anvil", SAYS_VERSION)
    assert find(replace(ANVIL, on_path=False), tmp_path / "cache") is None


# --- built ---


def test_a_tool_is_built_once_and_then_found(tmp_path: Path, told: Told) -> None:
    first = provide(ANVIL, tmp_path, told.progress)
    assert first.how is How.BUILT
    assert subprocess.check_output([first.program]) == b"anvil 1.2.3\n"
    assert provide(building("exit 1"), tmp_path, told.progress) == replace(
        first, how=How.FOUND, tool=building("exit 1")
    )


def test_the_build_says_what_why_and_how_long(tmp_path: Path, told: Told) -> None:
    provide(building(f"echo smelting iron >&2; {MAKES_IT}"), tmp_path, told.progress)
    assert "anvil 1.2.3: building a test's tool, about 1 min" in told
    assert "no release is pinned for this machine" in told
    assert "smelting iron" in told
    assert "anvil 1.2.3: done after" in told


def test_a_build_leaves_its_log_and_none_of_its_scratch(tmp_path: Path, told: Told) -> None:
    provide(
        building(f"echo into scratch >../../build/anvil-1.2.3/x; echo words >&2; {MAKES_IT}"),
        tmp_path,
        told.progress,
    )
    assert names_in(tmp_path / "build") == {"anvil-1.2.3.log"}
    assert b"words" in log_of(ANVIL, tmp_path).read_bytes()
    assert names_in(tmp_path / "tools") == {"anvil-1.2.3"}


def test_a_build_that_fails_installs_nothing_and_names_its_log(tmp_path: Path, told: Told) -> None:
    with pytest.raises(MachineError) as caught:
        provide(
            building("mkdir bin; touch bin/anvil; echo no iron left >&2; exit 7"), tmp_path, told.progress
        )
    assert caught.value.code == "provision.build_failed"
    assert "status 7" in caught.value.message
    assert str(log_of(ANVIL, tmp_path)) in caught.value.remedy
    assert caught.value.data["last"] == "no iron left"
    assert names_in(tmp_path / "tools") == set()


def test_a_build_that_makes_something_else_installs_nothing(tmp_path: Path, told: Told) -> None:
    with pytest.raises(MachineError, match="made no bin/anvil"):
        provide(building("touch hammer"), tmp_path, told.progress)
    assert names_in(tmp_path / "tools") == set()


def test_another_try_finds_the_scratch_of_the_one_before(tmp_path: Path, told: Told) -> None:
    scratch = tmp_path / "build" / "anvil-1.2.3" / "half"
    with pytest.raises(MachineError):
        provide(building(f"touch {scratch}; exit 1"), tmp_path, told.progress)
    provide(building(f"test -f {scratch}; {MAKES_IT}"), tmp_path, told.progress)
    assert find(ANVIL, tmp_path)


def test_what_else_lies_at_the_tools_place_gives_way(tmp_path: Path, told: Told) -> None:
    (tmp_path / "tools" / "anvil-1.2.3" / "bin").mkdir(parents=True)
    provide(ANVIL, tmp_path, told.progress)
    assert find(ANVIL, tmp_path)


# --- no room, no place ---


def test_too_little_room_is_said_before_anything_is_built(tmp_path: Path, told: Told) -> None:
    with pytest.raises(MachineError) as caught:
        provide(replace(ANVIL, disk_gib=2**40), tmp_path, told.progress)
    assert caught.value.code == "provision.disk_full"
    assert names_in(tmp_path / "tools") == set()
    assert "building" not in told


def test_a_disk_that_fills_up_meanwhile_is_named_as_the_reason(tmp_path: Path, told: Told) -> None:
    """/dev/full is full for everyone who writes to it."""
    with pytest.raises(MachineError) as caught:
        provide(building("LC_ALL=C; export LC_ALL; cat /bin/sh >/dev/full"), tmp_path, told.progress)
    assert caught.value.code == "provision.disk_full"
    assert names_in(tmp_path / "tools") == set()


def test_a_cache_that_cannot_be_used_is_named(tmp_path: Path, told: Told) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(MachineError) as caught:
        provide(ANVIL, tmp_path / "cache", told.progress)
    assert caught.value.code == "provision.cache_unusable"
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno in (errno.ENOTDIR, errno.EEXIST)


# --- what builds ---


@pytest.mark.parametrize(
    ("recipe", "program", "least"),
    [
        (table.DEVNET.recipe, "cargo", "1.94"),
        (table.CAIRO.recipe, "cargo", "1.89"),
        (table.KUBO.recipe, "go", "1.22"),
        (PipEnvironment("nothing==1", python=(2, 7)), "python2.7", "2.7"),
    ],
    ids=["devnet", "cairo", "kubo", "bpy"],
)
def test_a_missing_builder_is_named_with_its_least_version(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: Told,
    recipe: CargoInstall | GoBuild | PipEnvironment,
    program: str,
    least: str,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError) as caught:
        provide(replace(ANVIL, recipe=recipe), tmp_path / "cache", told.progress)
    assert caught.value.code == "provision.no_builder"
    assert f"{program} {least} or later" in caught.value.message
    assert caught.value.remedy.startswith("install ")
    assert names_in(tmp_path / "cache" / "tools") == set()


@pytest.mark.parametrize(
    ("has", "fits"), [("1.93.9", False), ("1.94.0", True), ("2.0", True), ("none", False)]
)
def test_a_builder_that_is_too_old_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has: str, fits: bool
) -> None:
    cargo = put_on_path(
        monkeypatch, tmp_path / "bin", "cargo", f"#!/bin/sh\necho cargo {has} with more words\n"
    )
    bench = Bench("anvil", tmp_path, tmp_path, tmp_path, tmp_path / "log", 2, lambda news: None)
    if fits:
        assert bench.need("cargo", (1, 94), "install it") == str(cargo)
    else:
        with pytest.raises(MachineError, match=r"1\.94 or later"):
            bench.need("cargo", (1, 94), "install it")


# --- killed, and twice at once ---

RUN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run where Ctrl-C is ignored
from dataclasses import replace
from pathlib import Path
from rich.console import Console
from tileproof.provision.install import provide
from tileproof.provision.progress import Progress
from tests.unit.test_provision import ANVIL, Script
tool = replace(ANVIL, recipe=Script(sys.argv[2]))
print(provide(tool, Path(sys.argv[1]), Progress(Console(stderr=True))).how)
"""


@contextmanager
def another_run(cache: Path, script: str) -> Iterator[subprocess.Popen[str]]:
    """A process that provides the tool with this build."""
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(cache), script],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_a_run_that_is_killed_leaves_nothing_half_installed_and_the_next_one_finishes(
    tmp_path: Path, told: Told
) -> None:
    partial = tmp_path / "tools" / ".anvil-1.2.3.partial"
    with another_run(tmp_path, f"{MAKES_IT}; exec sleep 600") as run:
        until((partial / "bin" / "anvil").exists)
        run.kill()
        run.wait()
    assert find(ANVIL, tmp_path) is None
    got = provide(building(f"test ! -e bin; {MAKES_IT}"), tmp_path, told.progress)
    assert got.how is How.BUILT
    assert names_in(tmp_path / "tools") == {"anvil-1.2.3"}


def test_what_a_killed_run_was_running_ends_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with another_run(tmp_path, f"echo $$ >{pid}; exec sleep 600") as run:
        until(lambda: pid.exists() and pid.read_text().strip() != "")
        run.kill()
        run.wait()
        until(lambda: not is_running(int(pid.read_text())))


def test_a_new_run_waits_for_stragglers_of_a_killed_one(tmp_path: Path, told: Told) -> None:
    """A grandchild may outlive its killed parents and still write into the folder."""
    straggler, finish = tmp_path / "straggler", tmp_path / "finish"
    os.mkfifo(finish)
    script = f"mkdir bin; (echo >{straggler}; read word <{finish}; touch bin/late) & wait"
    with another_run(tmp_path, script) as run:
        until(straggler.exists)
        run.kill()
        run.wait()
        with another_run(tmp_path, MAKES_IT) as second:
            assert second.stderr is not None
            assert "waiting for another run" in second.stderr.readline()
            finish.write_text("now\n")
            assert second.communicate(timeout=60)[0] == "built\n"
    assert names_in(tmp_path / "tools" / "anvil-1.2.3" / "bin") == {"anvil"}


def test_two_runs_at_once_build_once(tmp_path: Path) -> None:
    builds, go = tmp_path / "builds", tmp_path / "go"
    os.mkfifo(go)
    script = f"echo built >>{builds}; read word <{go}; {MAKES_IT}"
    with another_run(tmp_path, script) as first:
        until(builds.exists)
        with another_run(tmp_path, script) as second:
            assert second.stderr is not None
            assert "waiting for another run" in second.stderr.readline()
            go.write_text("now\n")
            assert first.communicate(timeout=60)[0] == "built\n"
            assert second.communicate(timeout=60)[0] == "found\n"
    assert builds.read_text() == "built\n"


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_ctrl_c_ends_the_build_and_leaves_nothing(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with another_run(tmp_path, f"echo $$ >{pid}; exec sleep 600") as run:
        until(lambda: pid.exists() and pid.read_text().strip() != "")
        run.send_signal(signal.SIGINT)
        assert run.wait(60) != 0
    assert not is_running(int(pid.read_text()))
    assert names_in(tmp_path / "tools") == set()


# --- downloaded ---


def archive_of(name: str = "anvil-release/anvil", content: str = SAYS_VERSION) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content.encode()))
    return packed.getvalue()


ARCHIVE = archive_of()
Answer = Callable[[BaseHTTPRequestHandler], None]


def serves(body: bytes, *, promises: int | None = None) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(body) if promises is None else promises))
        request.end_headers()
        request.wfile.write(body)

    return answer


def serves_without_end(request: BaseHTTPRequestHandler) -> None:
    """No length is promised, and bytes come as long as somebody reads."""
    request.send_response(200)
    request.end_headers()
    try:
        while True:
            request.wfile.write(bytes(1 << 16))
    except OSError:
        pass


def says(status: int, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


@contextmanager
def releases(**pages: Answer) -> Iterator[str]:
    """A server on loopback; its URL. A page that is not named is not found."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages.get(self.path.strip("/"), says(404))(self)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def released(url: str, archive: bytes = ARCHIVE, *, max_bytes: int = 1 << 20) -> Tool:
    """The tool with a release for this machine, and a recipe as the other way."""
    digest = "sha512:" + hashlib.sha512(archive).hexdigest()
    release = Download(system(), machine(), url, digest, "anvil-release/anvil", max_bytes)
    return replace(ANVIL, downloads=(release,))


def test_a_release_with_the_right_digest_is_installed_without_a_build(tmp_path: Path, told: Told) -> None:
    with releases(anvil=serves(ARCHIVE)) as url:
        got = provide(released(f"{url}/anvil"), tmp_path, told.progress)
    assert got.how is How.DOWNLOADED
    assert subprocess.check_output([got.program]) == b"anvil 1.2.3\n"
    assert names_in(tmp_path / "tools") == {"anvil-1.2.3"}
    assert names_in(tmp_path / "tools" / "anvil-1.2.3") == {"bin"}
    assert not (tmp_path / "build").exists()


def test_a_release_behind_a_redirect_is_followed(tmp_path: Path, told: Told) -> None:
    with releases(anvil=says(302, Location="/elsewhere"), elsewhere=serves(ARCHIVE)) as url:
        assert provide(released(f"{url}/anvil"), tmp_path, told.progress).how is How.DOWNLOADED


def test_another_digest_is_refused_and_nothing_is_installed(tmp_path: Path, told: Told) -> None:
    """Not even a build: who serves something else under that name should be looked at first."""
    forged = archive_of(content="#!/bin/sh\necho anvil 1.2.3 and more\n")
    with releases(anvil=serves(forged)) as url, pytest.raises(MachineError) as caught:
        provide(released(f"{url}/anvil"), tmp_path, told.progress)
    assert caught.value.code == "provision.digest_mismatch"
    assert "--build anvil" in caught.value.remedy
    assert names_in(tmp_path / "tools") == set()
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (says(404), "answers 404"),
        (says(503), "answers 503"),
        (says(302, Location="/anvil"), "redirects"),
        (says(302, Location="gopher://nowhere"), "cannot be fetched"),
        (serves(ARCHIVE[:-20], promises=len(ARCHIVE)), "cannot be fetched"),
        (serves(b"", promises=1 << 30), "more than"),
        (serves_without_end, "more than"),
    ],
    ids=["missing", "down", "redirect_loop", "odd_redirect", "truncated", "promises_too_much", "endless"],
)
def test_a_release_that_cannot_be_had_is_built_instead(
    tmp_path: Path, told: Told, answer: Answer, why: str
) -> None:
    with releases(anvil=answer) as url:
        got = provide(released(f"{url}/anvil"), tmp_path, told.progress)
    assert got.how is How.BUILT
    assert why in told
    assert names_in(tmp_path / "tools" / "anvil-1.2.3") == {"bin"}


def test_a_release_from_a_place_that_is_not_there_is_built_instead(tmp_path: Path, told: Told) -> None:
    with releases() as url:
        pass
    assert provide(released(f"{url}/anvil"), tmp_path, told.progress).how is How.BUILT


@pytest.mark.parametrize(
    "archive",
    [b"not an archive", archive_of()[:60], archive_of(name="anvil"), archive_of(content="x" * (1 << 21))],
    ids=["no_archive", "half", "without_the_program", "unpacks_to_too_much"],
)
def test_a_pinned_archive_without_the_program_is_built_instead(
    tmp_path: Path, told: Told, archive: bytes
) -> None:
    with releases(anvil=serves(archive)) as url:
        got = provide(released(f"{url}/anvil", archive), tmp_path, told.progress)
    assert got.how is How.BUILT
    assert "cannot be unpacked" in told


def test_a_release_for_another_machine_is_not_asked_for(tmp_path: Path, told: Told) -> None:
    asked = []
    with releases(anvil=lambda request: asked.append(request.path)) as url:
        tool = released(f"{url}/anvil")
        other = replace(tool.downloads[0], machine="pdp11")
        assert provide(replace(tool, downloads=(other,)), tmp_path, told.progress).how is How.BUILT
    assert asked == []


def test_a_release_is_not_asked_for_when_a_build_is_wanted(tmp_path: Path, told: Told) -> None:
    asked = []
    with releases(anvil=lambda request: asked.append(request.path)) as url:
        got = provide(released(f"{url}/anvil"), tmp_path, told.progress, may_download=False)
    assert got.how is How.BUILT
    assert asked == []


def cuts(body: bytes, at: int, *, ranges: bool = True) -> Answer:
    """Sends bytes up to ``at`` and hangs up; a request for the rest gets it if ``ranges``."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        began = int(wanted[1]) if wanted is not None and ranges else 0
        if began >= len(body):
            return says(416)(request)
        request.send_response(206 if began else 200)
        if began:
            request.send_header("Content-Range", f"bytes {began}-{len(body) - 1}/{len(body)}")
        request.send_header("Content-Length", str(len(body) - began))
        request.end_headers()
        request.wfile.write(body[began:] if began else body[:at])
        return None

    return answer


def part_of(tool: Tool, cache: Path) -> Path:
    """Where the part is kept that came of the tool's download."""
    digest = tool.downloads[0].digest.partition(":")[2]
    return cache / "downloads" / f"{tool.folder}-{digest[:16]}.part"


def test_a_download_that_is_cut_goes_on_where_it_stopped(tmp_path: Path, told: Told) -> None:
    with releases(anvil=cuts(ARCHIVE, 50)) as url:
        assert provide(released(f"{url}/anvil"), tmp_path, told.progress).how is How.DOWNLOADED
    assert names_in(tmp_path / "downloads") == set()


def test_the_next_run_goes_on_with_what_an_earlier_one_left(tmp_path: Path, told: Told) -> None:
    ranges: list[str | None] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        ranges.append(request.headers.get("Range"))
        cuts(ARCHIVE, 0)(request)

    with releases(anvil=answer) as url:
        tool = released(f"{url}/anvil")
        part_of(tool, tmp_path).parent.mkdir()
        part_of(tool, tmp_path).write_bytes(ARCHIVE[:50])
        assert provide(tool, tmp_path, told.progress).how is How.DOWNLOADED
    assert ranges == ["bytes=50-"]


@pytest.mark.parametrize(
    "kept", [b"x" * 50, ARCHIVE[:50], ARCHIVE + b"more"], ids=["other", "part", "longer"]
)
@pytest.mark.parametrize("server", ["ranges", "no_ranges", "refuses_ranges"])
def test_what_was_kept_never_spoils_a_download(tmp_path: Path, told: Told, kept: bytes, server: str) -> None:
    def refuses(request: BaseHTTPRequestHandler) -> None:
        (says(416) if request.headers.get("Range") else serves(ARCHIVE))(request)

    answers = {
        "ranges": cuts(ARCHIVE, len(ARCHIVE)),
        "no_ranges": serves(ARCHIVE),
        "refuses_ranges": refuses,
    }
    with releases(anvil=answers[server]) as url:
        tool = released(f"{url}/anvil")
        part_of(tool, tmp_path).parent.mkdir()
        part_of(tool, tmp_path).write_bytes(kept)
        assert provide(tool, tmp_path, told.progress).how is How.DOWNLOADED


def test_a_server_that_always_hangs_up_and_knows_no_ranges_is_given_up(tmp_path: Path, told: Told) -> None:
    with releases(anvil=cuts(ARCHIVE, 50, ranges=False)) as url:
        assert provide(released(f"{url}/anvil"), tmp_path, told.progress).how is How.BUILT


def test_a_server_that_promises_less_than_it_sends_cannot_add_to_a_program(
    tmp_path: Path, told: Told
) -> None:
    with (
        releases(anvil=serves(ARCHIVE, promises=len(ARCHIVE) - 20)) as url,
        pytest.raises(MachineError) as caught,
    ):
        provide(released(f"{url}/anvil"), tmp_path, told.progress)
    assert caught.value.code == "provision.digest_mismatch"


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/anvil", "file:///etc/hostname"])
def test_an_address_that_redirects_to_another_scheme_is_refused(
    tmp_path: Path, told: Told, location: str
) -> None:
    with releases(anvil=says(302, Location=location)) as url, pytest.raises(MachineError) as caught:
        provide(ANVIL, tmp_path, told.progress, given=given(f"{url}/anvil"))
    assert caught.value.code == "provision.unavailable"
    assert names_in(tmp_path / "tools") == set()


def given(place: str, content: bytes = ARCHIVE) -> GivenSource:
    return GivenSource(place, "sha256:" + hashlib.sha256(content).hexdigest())


def test_an_address_that_the_user_names_goes_before_what_is_installed(tmp_path: Path, told: Told) -> None:
    other = archive_of(content="#!/bin/sh\necho anvil 1.2.3 of another build\n")
    provide(ANVIL, tmp_path, told.progress)
    with releases(anvil=serves(other)) as url:
        got = provide(ANVIL, tmp_path, told.progress, given=given(f"{url}/anvil", other))
    assert got.how is How.DOWNLOADED
    assert subprocess.check_output([got.program]) == b"anvil 1.2.3 of another build\n"


def test_a_source_that_fails_leaves_what_was_installed(tmp_path: Path, told: Told) -> None:
    provide(ANVIL, tmp_path, told.progress)
    with releases(anvil=serves(b"something else")) as url, pytest.raises(MachineError) as caught:
        provide(ANVIL, tmp_path, told.progress, given=given(f"{url}/anvil"))
    assert caught.value.code == "provision.digest_mismatch"
    assert find(ANVIL, tmp_path)


# --- the table and the command ---


def test_every_release_of_the_table_is_pinned_by_a_whole_digest_and_an_https_address() -> None:
    for tool in table.TOOLS:
        for release in tool.downloads:
            assert parse_digest(release.digest) == release.digest
            assert release.url.startswith("https://")
            assert tool.version in release.url


def test_no_two_tools_share_a_name() -> None:
    assert len({tool.name for tool in table.TOOLS}) == len(table.TOOLS)


def command(*arguments: str, cache: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tileproof.provision", *arguments],
        env={"PATH": "/nowhere", "HOME": str(cache), "TILEPROOF_CACHE": str(cache), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_where_a_tool_is(tmp_path: Path) -> None:
    program = in_cache(table.KUBO, tmp_path)
    program.parent.mkdir(parents=True)
    program.touch()
    done = command("--where", "kubo", cache=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{program}\n")


def test_the_command_fails_with_the_machines_status_and_a_stable_code(tmp_path: Path) -> None:
    done = command("devnet", cache=tmp_path)
    assert done.returncode == MachineError.exit_status
    assert "cargo 1.94 or later is needed" in done.stderr
    assert "[provision.no_builder]" in done.stderr
    missing = command("--where", "devnet", cache=tmp_path)
    assert (missing.returncode, missing.stdout) == (MachineError.exit_status, "")
    assert "[provision.missing]" in missing.stderr


@pytest.mark.parametrize("arguments", [("anvil",), ("--where",), ("--where", "kubo", "devnet")])
def test_the_command_refuses_what_it_does_not_know(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = command(*arguments, cache=tmp_path)
    assert done.returncode == 2
    assert names_in(tmp_path) == set()
