"""The processes that pictures are decoded in: what they may, when they end, and what is believed of them."""

from __future__ import annotations

import os
import resource
import signal
import struct
import subprocess
import sys
import time
from ast import literal_eval
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from tileproof.adapters.blender.sandbox import landlock
from tileproof.adapters.images import ChildDecoder, decoder, fork_server
from tileproof.domain.errors import EvidenceError, MachineError
from tileproof.ports.images import ImageFormat, Pixels

FORM = ImageFormat("PNG", 64, 64, 3, 8)
CHILD = Path(fork_server.__file__).with_name("decode_child.py")


@pytest.fixture
def born() -> Callable[[], list[psutil.Process]]:
    """Our processes that were not there before the test."""
    before = psutil.Process().children()
    return lambda: [each for each in psutil.Process().children() if each not in before]


@pytest.fixture
def images() -> Iterator[ChildDecoder]:
    made = ChildDecoder()
    yield made
    made.close()


def picture(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (64, 64, 3)).astype(np.uint8)


def on_disk(images: ChildDecoder, path: Path, seed: int = 1) -> Path:
    images.encode_png(picture(seed), path)
    return path


def code_of(images: ChildDecoder, path: Path) -> str:
    with pytest.raises(EvidenceError) as caught:
        images.decode(path, FORM)
    return caught.value.code


@pytest.fixture
def taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Hostile bytes at their worst: instead of decoding, the fork runs code of theirs."""

    def take_over(body: str) -> None:
        script = tmp_path / "taken_over.py"
        honest = CHILD.read_text().replace("os.path.abspath(__file__)", repr(str(CHILD)))
        script.write_text(
            honest.removesuffix("main()\n")
            + "import itertools, subprocess, time\n"
            + "honest, loaded = png, []\n"
            + "def hostile():\n"
            + "".join(f"    {line}\n" for line in body.splitlines())
            + "def png(*request):\n"
            + "    loaded.append(1)\n"
            + "    return hostile() if len(loaded) > 1 else honest(*request)\n"
            + "main()\n"
        )
        monkeypatch.setattr(fork_server, "_CHILD", script)

    return take_over


def test_what_is_taken_over_reads_no_file_opens_no_socket_and_reaches_no_process(
    images: ChildDecoder, taken_over: Callable[[str], None], tmp_path: Path
) -> None:
    taken_over(
        "told = b''\n"
        "for attempt in (lambda: open('/etc/passwd'), lambda: open('/tmp/planted', 'w'), socket.socket,\n"
        "                os.fork, lambda: subprocess.run(['/bin/true']), lambda: os.kill(os.getppid(), 0),\n"
        "                lambda: open('/proc/self/environ'), lambda: os.listdir('/'),\n"
        "                lambda: resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))):\n"
        "    try:\n        attempt()\n        told += b'd'\n"
        "    except (OSError, ValueError):\n        told += b'r'\n"
        "return (told.ljust(64 * 64 * 3),)"
    )
    told = images.decode(on_disk(images, tmp_path / "a.png"), FORM).tobytes().split()[0]
    try:
        landlock.probe()
    except MachineError as error:
        pytest.skip(error.message)
    assert told == b"r" * 9


def test_a_fork_sees_nothing_of_our_environment_and_files(
    images: ChildDecoder,
    taken_over: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its only descriptor is the pipe, whatever was open here, inheritable or not."""
    taken_over(
        "held = []\n"
        "for number in range(256):\n"
        "    try:\n        os.fstat(number)\n        held.append(number)\n"
        "    except OSError:\n        pass\n"
        "return (repr((sorted(os.environ), held, os.getcwd())).encode().ljust(64 * 64 * 3),)"
    )
    monkeypatch.setenv("TILEPROOF_TEST_SECRET", "key")
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        told = images.decode(on_disk(images, tmp_path / "a.png"), FORM).tobytes().decode()
    names, held, folder = literal_eval(told.strip())
    assert set(names) <= {"LC_ALL", "OPENBLAS_NUM_THREADS", "PYTHONDONTWRITEBYTECODE"}
    assert len(held) == 3  # standard output and error, both to nowhere, and the pipe
    assert folder == "/"


@pytest.mark.parametrize(
    "endless",
    ["while True: pass", "time.sleep(600)", "return itertools.repeat(bytes(65536))"],
)
def test_what_never_ends_is_ended(
    images: ChildDecoder,
    taken_over: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    endless: str,
) -> None:
    taken_over(endless)
    monkeypatch.setattr(decoder, "DECODE_SECONDS", 1)
    assert code_of(images, on_disk(images, tmp_path / "a.png")) == "image.undecodable"
    assert [process for server in servers() for process in server.children()] == []


def servers() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if "taken_over.py" in each.cmdline()[-1]]


@pytest.mark.parametrize(
    "fate",
    [
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "os._exit(0)",
        "return (bytes(100),)",
        "return (bytes(64 * 64 * 3 + 1),)",
        "resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass",
        "yield bytes(64 * 64 * 3)\nos.kill(os.getpid(), signal.SIGSEGV)",
    ],
)
def test_what_crashes_or_writes_another_number_of_bytes_is_undecodable(
    images: ChildDecoder, taken_over: Callable[[str], None], tmp_path: Path, fate: str
) -> None:
    taken_over(fate)
    assert code_of(images, on_disk(images, tmp_path / "a.png")) == "image.undecodable"


@pytest.mark.parametrize(
    "fate", ["loaded.append(bytearray(2 << 30))", "os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_want_of_memory_blames_no_picture(
    images: ChildDecoder, taken_over: Callable[[str], None], tmp_path: Path, fate: str
) -> None:
    """Told by an allocation that fails, or by the kernel, which ends who took the last."""
    taken_over(fate + "\nreturn (bytes(64 * 64 * 3),)")
    with pytest.raises(MachineError) as caught:
        images.decode(on_disk(images, tmp_path / "a.png"), FORM)
    assert caught.value.code == "machine.no_decoder"


def test_a_small_file_for_the_largest_frame_of_all_takes_nobodys_memory(
    images: ChildDecoder, tmp_path: Path
) -> None:
    """A job may ask for 65536 x 65536; what the file lacks is then not this machine's memory."""
    images.encode_exr(np.zeros((4, 4, 10), np.float16), tmp_path / "a.exr")
    window = struct.pack("<4i", 0, 0, 65535, 65535)
    data = (tmp_path / "a.exr").read_bytes().replace(struct.pack("<4i", 0, 0, 3, 3), window)
    (tmp_path / "a.exr").write_bytes(data)
    with pytest.raises(EvidenceError) as caught:
        images.decode(tmp_path / "a.exr", ImageFormat("EXR", 65536, 65536, 10, 16))
    assert caught.value.code == "image.undecodable"


def test_a_broken_picture_never_gets_the_pixels_of_the_one_before(
    images: ChildDecoder, tmp_path: Path
) -> None:
    """Same size, same server; whatever is refused between, the next is its own."""
    good = [on_disk(images, tmp_path / f"{seed}.png", seed) for seed in range(3)]
    broken = tmp_path / "broken.png"
    broken.write_bytes(good[0].read_bytes()[:-100])
    for seed in (0, 1, 2, 1, 0):
        assert np.array_equal(images.decode(good[seed], FORM), picture(seed))
        assert code_of(images, broken) == "image.undecodable"


def test_threads_that_decode_at_once_each_get_their_own_picture(
    images: ChildDecoder, born: Callable[[], list[psutil.Process]], tmp_path: Path
) -> None:
    paths = [on_disk(images, tmp_path / f"{seed}.png", seed) for seed in range(12)]

    def right(seed: int) -> bool:
        return np.array_equal(images.decode(paths[seed % 12], FORM), picture(seed % 12))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, range(48)))
    assert len(born()) <= 4


def test_a_server_that_was_ended_is_replaced_and_no_file_is_blamed(
    images: ChildDecoder, born: Callable[[], list[psutil.Process]], tmp_path: Path
) -> None:
    path = on_disk(images, tmp_path / "a.png")
    images.decode(path, FORM)
    for server in born():
        server.kill()
        server.wait(10)
    assert np.array_equal(images.decode(path, FORM), picture(1))


def test_a_server_that_cannot_start_is_this_machines_fault(
    images: ChildDecoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_server, "_CHILD", tmp_path / "nowhere.py")
    with pytest.raises(MachineError) as caught:
        images.decode(on_disk(images, tmp_path / "a.png"), FORM)
    assert caught.value.code == "machine.no_decoder"


def test_a_process_without_a_descriptor_left_blames_no_picture(images: ChildDecoder, tmp_path: Path) -> None:
    path = on_disk(images, tmp_path / "a.png")
    images.decode(path, FORM)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    codes = set()
    for spare in range(4):
        highest = max(int(number) for number in os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + spare, limits[1]))
        held = [os.dup(0) for _ in range(highest + 1 - len(os.listdir("/proc/self/fd")) + 1)]
        try:
            images.decode(path, FORM)
        except MachineError as error:
            codes.add(error.code)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            for number in held:
                os.close(number)
    assert codes == {"machine.unreadable", "machine.no_decoder"}
    assert np.array_equal(images.decode(path, FORM), picture(1))


def test_decoding_leaves_no_descriptor_and_closing_no_process(
    images: ChildDecoder, born: Callable[[], list[psutil.Process]], tmp_path: Path
) -> None:
    path = on_disk(images, tmp_path / "a.png")
    before = os.listdir("/proc/self/fd")
    for _ in range(20):
        images.decode(path, FORM)
    images.close()
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert born() == []


def test_a_decoder_that_nobody_closes_ends_its_processes_when_it_is_forgotten(
    born: Callable[[], list[psutil.Process]], tmp_path: Path
) -> None:
    images = ChildDecoder()
    images.decode(on_disk(images, tmp_path / "a.png"), FORM)
    assert len(born()) == 1
    del images
    assert born() == []


@pytest.mark.parametrize("busy", [False, True])
def test_a_decoder_whose_process_is_killed_leaves_none_behind(
    taken_over: Callable[[str], None], tmp_path: Path, busy: bool
) -> None:
    """Between two files, and in the middle of one."""
    taken_over("time.sleep(600)" if busy else "return (bytes(64 * 64 * 3),)")
    on_disk(ChildDecoder(), tmp_path / "a.png")
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tileproof.adapters.images import ChildDecoder, fork_server\n"
        "from tileproof.ports.images import ImageFormat\n"
        f"fork_server._CHILD = Path({str(tmp_path / 'taken_over.py')!r})\n"
        "images = ChildDecoder()\n"
        f"images.decode(Path({str(tmp_path / 'a.png')!r}), ImageFormat('PNG', 64, 64, 3, 8))\n"
        "print('decoded', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as role:
        started = born_of(psutil.Process(role.pid), 2 if busy else 1)
        if not busy:
            assert role.stdout is not None
            assert role.stdout.readline() == b"decoded\n"
        role.send_signal(signal.SIGKILL)
        role.wait()
    gone, alive = psutil.wait_procs(started, timeout=30)
    assert len(gone) == len(started)
    assert alive == []


def born_of(process: psutil.Process, count: int) -> list[psutil.Process]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if len(found := process.children(recursive=True)) >= count:
            return found
    raise TimeoutError(f"no {count} processes under {process}")
