"""One suite for every kind of sandbox: what a hostile scene tries, and what it must not get.

The attempts run as a plain Python program, which can do more than any .blend; the last tests use a
real Blender and a File Output node with an absolute path.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tileproof.adapters.blender import sandbox as package
from tileproof.adapters.blender.find import BlenderBuild
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import LAUNCHER, Sandbox, bubblewrap, choose, landlock, none
from tileproof.adapters.blender.sandbox.bubblewrap import TMP_BYTES, Bubblewrap
from tileproof.adapters.blender.sandbox.landlock import Landlock
from tileproof.domain.errors import MachineError

from ..fakes.renderer import LIMITS, SETTINGS
from ..services.blender import Tiny, unavailable

pytestmark = pytest.mark.sandbox

ATTEMPTS = Path(__file__).parent / "escape_attempts.py"
PYTHON = "/usr/bin/python3"
SECRET = "the key to everything"
NOBODY = 65534
REFUSED = (
    "read_a_secret",
    "list_the_secret_s_folder",
    "read_the_accounts",
    "write_outside",
    "overwrite_what_may_be_read",
    "truncate_what_may_be_read",
    "delete_what_may_be_read",
    "open_what_may_be_read_to_all",
    "open_it_by_descriptor",
    "change_its_times",
    "link_a_secret_into_the_job",
    "reach_a_secret_through_a_symlink",
    "leave_a_program_in_the_job_and_run_it",
    "connect_to_loopback",
    "connect_to_the_world",
    "listen",
    "send_a_datagram",
    "speak_to_a_unix_socket",
    "lower_a_bystander_s_limits",
    "trace_a_bystander",
    "read_a_bystander_s_environment",
    "read_a_bystander_s_command_line",
    "see_other_processes",
    "start_a_process",
    "fork",
    "new_user_namespace",
    "mount_something",
    "shared_memory",
    "io_uring",
    "see_an_environment_secret",
    "find_an_open_file_of_ours",
    "gain_privileges",
    "fill_the_memory_through_a_file",
)
HARMLESS_WITHOUT_A_BYSTANDER = ("kill_a_bystander", "stop_everybody")
"""In a process namespace these may name nobody but the sandbox's own; the bystander must live on."""


def identity(user: int | None) -> dict[str, Any]:
    """What `subprocess` is told to run as that user; nothing for ourselves."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


@dataclass
class World:
    """What lies and runs outside: made for one kind and one user, gone afterwards."""

    sandbox: Sandbox
    user: int | None
    folder: Path
    job: Path
    readable: Path
    secret: Path
    bystander: subprocess.Popen[bytes]
    plan: dict[str, object]

    def attempt(self, *names: str) -> dict[str, tuple[str, str]]:
        """Each attempt's outcome and reason, run in one process in the sandbox."""
        plan = json.dumps({**self.plan, "attempts": names})
        wrapped = self.sandbox.wrap(
            [PYTHON, "-I", str(self.folder / "attempts.py"), plan],
            read_only=[self.folder / "attempts.py", self.readable],
            writable=self.job,
            env={"HONEST": "1"},
        )
        done = subprocess.run(
            wrapped.argv,
            env=dict(wrapped.env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            start_new_session=True,
            check=False,
            **identity(self.user),
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        outcomes = {name: (outcome, why) for name, outcome, why in lines}
        assert set(outcomes) == set(names), f"the attempts ended early: {done.stderr}"
        return outcomes


def kinds() -> dict[str, Callable[[str, Path], Sandbox]]:
    """The launcher's Python and file are the system's, so that any user can run them."""
    return {
        "bubblewrap": lambda python, launcher: Bubblewrap(shutil.which("bwrap") or "", python, launcher),
        "landlock": lambda python, launcher: Landlock(python, launcher),
        "landlock of Linux 5.13": lambda python, launcher: Landlock(python, launcher, newest_abi=1),
    }


def skip_where_refused(kind: str) -> None:
    try:
        (bubblewrap if kind == "bubblewrap" else landlock).probe()
    except MachineError as error:
        unavailable(f"{kind}: {error.message}")


@pytest.fixture(scope="module", params=list(kinds()))
def kind(request: pytest.FixtureRequest) -> str:
    skip_where_refused(request.param)
    return str(request.param)


@pytest.fixture(scope="module", params=["as we are", "unprivileged"])
def world(request: pytest.FixtureRequest, kind: str) -> Iterator[World]:
    user = None
    if request.param == "unprivileged":
        if os.getuid() != 0:
            pytest.skip("we are unprivileged already")
        user = NOBODY
    folder = Path(tempfile.mkdtemp(prefix="tileproof-escape-", dir="/var/tmp"))
    folder.chmod(0o755)
    job, readable, secret = folder / "job", folder / "scene.txt", folder / "secrets" / "key"
    job.mkdir()
    readable.write_text("a scene")
    secret.parent.mkdir()
    secret.write_text(SECRET)
    for source, name in ((ATTEMPTS, "attempts.py"), (LAUNCHER, "launch.py")):
        shutil.copy(source, folder / name)
        (folder / name).chmod(0o644)
    if user is not None:
        for path in (job, readable, secret, secret.parent):
            os.chown(path, user, user)  # the owner's own files must be out of reach as well
    bystander = subprocess.Popen(
        [PYTHON, "-c", "import sys; sys.stdin.read()  # bystander"],
        stdin=subprocess.PIPE,
        env={"BYSTANDER_SECRET": SECRET},
        **identity(user),
    )
    with Greeters(folder) as (port, unix_socket):
        plan: dict[str, object] = {
            "secret": str(secret),
            "outside": str(folder / "secrets" / "planted"),
            "readable": str(readable),
            "port": port,
            "unix_socket": str(unix_socket),
            "bystander": bystander.pid,
            "too_many_bytes": TMP_BYTES + (64 << 20),
        }
        sandbox = kinds()[kind](PYTHON, folder / "launch.py")
        yield World(sandbox, user, folder, job, readable, secret, bystander, plan)
    bystander.kill()
    bystander.communicate()
    shutil.rmtree(folder)


class Greeters:
    """A TCP and a Unix server that greet whoever connects."""

    def __init__(self, folder: Path) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._unix = socket.socket(socket.AF_UNIX)
        self._path = folder / "socket"
        self._unix.bind(str(self._path))
        self._path.chmod(0o777)
        self._unix.listen()

    def __enter__(self) -> tuple[int, Path]:
        for server in (self._tcp, self._unix):
            threading.Thread(target=self._greet, args=(server,), daemon=True).start()
        return self._tcp.getsockname()[1], self._path

    def __exit__(self, *_: object) -> None:
        for server in (self._tcp, self._unix):
            server.shutdown(socket.SHUT_RDWR)
            server.close()

    def _greet(self, server: socket.socket) -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                peer.sendall(b"hello")


@pytest.fixture(autouse=True)
def a_secret_in_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILEPROOF_TEST_SECRET", SECRET)


def test_an_honest_render_has_what_it_needs(world: World) -> None:
    assert world.attempt("still_works")["still_works"] == ("done", "'a scene'")
    assert (world.job / "picture.png").read_bytes() == b"x"


def test_nothing_outside_is_read_written_reached_or_started(world: World) -> None:
    outcomes = world.attempt(*REFUSED)
    let_through = {name: why for name, (outcome, why) in outcomes.items() if outcome != "refused"}
    assert let_through == {}
    assert SECRET not in json.dumps(outcomes)
    assert world.secret.read_text() == SECRET
    assert world.readable.read_text() == "a scene"
    assert [path.name for path in world.secret.parent.iterdir()] == ["key"]


@pytest.mark.parametrize("attack", HARMLESS_WITHOUT_A_BYSTANDER)
def test_bystanders_live_on(world: World, attack: str) -> None:
    outcome, why = world.attempt(attack)[attack]
    assert outcome == "refused" or isinstance(world.sandbox, Bubblewrap), why
    assert world.bystander.poll() is None
    state = Path(f"/proc/{world.bystander.pid}/stat").read_text().rpartition(")")[2].split()[0]
    assert state in "SR"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls of x86-64 by number")
def test_no_other_door_leads_to_the_same_system_calls(world: World) -> None:
    assert world.attempt("raw_clone")["raw_clone"][0] == "refused"
    with pytest.raises(AssertionError, match="ended early"):
        world.attempt("other_system_call_table")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls of x86-64 by number")
def test_system_calls_that_no_renderer_needs_never_reach_the_kernel(world: World) -> None:
    """Each by itself, although Landlock or a namespace would refuse the harm that some of them do."""
    name = "call_what_no_renderer_needs"
    outcome, got = world.attempt(name)[name]
    assert outcome == "refused", got


def test_the_attempts_succeed_without_a_sandbox(tmp_path: Path) -> None:
    """Otherwise their refusal inside would prove nothing."""
    secret, readable = tmp_path / "secrets" / "key", tmp_path / "scene.txt"
    secret.parent.mkdir()
    secret.write_text(SECRET)
    readable.write_text("a scene")
    bystander = subprocess.Popen([PYTHON, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    with Greeters(tmp_path) as (port, unix_socket):
        plan = {
            "secret": str(secret),
            "outside": str(tmp_path / "planted"),
            "readable": str(readable),
            "port": port,
            "unix_socket": str(unix_socket),
            "bystander": bystander.pid,
            "attempts": (
                *("read_a_secret", "list_the_secret_s_folder", "write_outside", "overwrite_what_may_be_read"),
                *("truncate_what_may_be_read", "open_what_may_be_read_to_all", "open_it_by_descriptor"),
                *("change_its_times", "link_a_secret_into_the_job", "reach_a_secret_through_a_symlink"),
                *("leave_a_program_in_the_job_and_run_it", "connect_to_loopback", "listen"),
                *("send_a_datagram", "speak_to_a_unix_socket", "see_other_processes", "start_a_process"),
                *("fork", "see_an_environment_secret", "lower_a_bystander_s_limits", "kill_a_bystander"),
            ),
        }
        (tmp_path / "job").mkdir()
        done = subprocess.run(
            [PYTHON, "-I", str(ATTEMPTS), json.dumps(plan)],
            cwd=tmp_path / "job",
            env={**os.environ, "TILEPROOF_TEST_SECRET": SECRET},
            capture_output=True,
            text=True,
            check=True,
        )
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line for line in outcomes if line[1] != "done"] == []
    bystander.communicate()


def test_the_command_dies_with_the_one_who_started_it(world: World) -> None:
    """A worker that is killed outright leaves no Blender behind."""
    if world.user is not None:
        pytest.skip("the same mechanism for every user")
    wrapped = world.sandbox.wrap(
        [PYTHON, "-I", "-c", "import time; print(flush=True); time.sleep(600)"],
        read_only=[],
        writable=world.job,
        env={},
    )
    starter = (
        "import json, subprocess, sys\n"
        "argv, env = json.loads(sys.argv[1])\n"
        "child = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, start_new_session=True)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", starter, json.dumps([wrapped.argv, dict(wrapped.env)])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    watched = os.pidfd_open(pid)
    parent.kill()
    parent.communicate()
    import select

    readable, _, _ = select.select([watched], [], [], 20)
    os.close(watched)
    assert readable, "it outlived its parent"


# Blender itself


def file_output_scene(blender: BlenderBuild, blend: Path, absolute: Path) -> None:
    """A .blend whose compositor writes every frame to an absolute path as well."""
    script = blend.with_suffix(".py")
    script.write_text(
        "import bpy\n"
        "bpy.ops.wm.read_factory_settings(use_empty=True)\n"
        "scene = bpy.context.scene\n"
        "camera = bpy.data.objects.new('C', bpy.data.cameras.new('C'))\n"
        "scene.collection.objects.link(camera)\n"
        "scene.camera = camera\n"
        "scene.render.engine = 'CYCLES'\n"
        "scene.cycles.samples = 1\n"
        "scene.render.resolution_x = scene.render.resolution_y = 16\n"
        "scene.use_nodes = True\n"
        "tree = scene.node_tree\n"
        "node = tree.nodes.new('CompositorNodeOutputFile')\n"
        f"node.base_path = {str(absolute)!r}\n"
        "layers = tree.nodes['Render Layers'] if 'Render Layers' in tree.nodes "
        "else tree.nodes.new('CompositorNodeRLayers')\n"
        "tree.links.new(layers.outputs[0], node.inputs[0])\n"
        f"bpy.ops.wm.save_as_mainfile(filepath={str(blend)!r})\n"
        "import os, sys\nsys.stdout.flush()\nos._exit(0)\n"
    )
    subprocess.run(blender.command(script), check=True, capture_output=True, timeout=120)


@pytest.mark.blender
def test_a_file_output_node_with_an_absolute_path_writes_nothing(
    kind: str, blender: BlenderBuild, tmp_path: Path
) -> None:
    scene, out, target = tmp_path / "scene", tmp_path / "out", tmp_path / "planted"
    for folder in (scene, out, target):
        folder.mkdir()
    blend = scene / "s.blend"
    file_output_scene(blender, blend, target)
    render = scene / "render.py"
    render.write_text(
        "import bpy, os, sys\n"
        f"bpy.ops.wm.open_mainfile(filepath={str(blend)!r}, use_scripts=False)\n"
        "bpy.context.scene.render.filepath = os.path.join(os.getcwd(), 'own.png')\n"
        "try:\n    bpy.ops.render.render(write_still=True)\n"
        "except RuntimeError as error:\n    print(error)\n"
        "sys.stdout.flush()\nos._exit(0)\n"
    )
    command = blender.command(render)

    def run(sandbox: Sandbox) -> str:
        wrapped = sandbox.wrap(
            command, read_only=[*blender.mounts, scene], writable=out, env={"OMP_NUM_THREADS": "1"}
        )
        done = subprocess.run(
            wrapped.argv,
            env=dict(wrapped.env),
            cwd=out,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout + done.stderr

    said = run(kinds()[kind](sys.executable, LAUNCHER))
    assert list(target.iterdir()) == [], said
    assert [path.name for path in out.glob("*.png")] == ["own.png"], said
    if kind == "bubblewrap":  # once is enough: without a sandbox the node does write there
        run(none.NoSandbox())
        assert list(target.iterdir()) != []


@pytest.mark.blender
def test_a_picture_is_the_same_in_every_sandbox(
    kind: str, blender: BlenderBuild, tiny: Tiny, tmp_path: Path
) -> None:
    """Even in what Blender may probe about the machine no sandbox changes a bit."""
    pictures = []
    for sandbox in (none.NoSandbox(), kinds()[kind](sys.executable, LAUNCHER)):
        out = tmp_path / f"out-{sandbox.name}"
        out.mkdir()
        settings = replace(SETTINGS, samples_per_pixel=2)
        with BlenderRenderer(blender, sandbox).open(tiny("plain"), settings, out, LIMITS) as session:
            pictures.append(session.render(1, settings.full_frame).path.read_bytes())
            assert session.report().sandbox == sandbox.name
    assert pictures[0] == pictures[1]


# Choosing


def test_the_first_kind_that_works_is_chosen() -> None:
    chosen = choose()
    assert chosen.name in ("bubblewrap", "landlock")
    try:
        bubblewrap.probe()
    except MachineError:
        assert chosen.name == "landlock"
    else:
        assert chosen.name == "bubblewrap"


def refuse() -> Sandbox:
    raise MachineError("sandbox.unavailable", "refused in this test")


def test_without_any_sandbox_the_answer_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bubblewrap, "probe", refuse)
    monkeypatch.setattr(landlock, "probe", refuse)
    with pytest.raises(MachineError) as caught:
        choose()
    assert caught.value.code == "sandbox.unavailable"
    assert "--no-sandbox" in caught.value.remedy
    with caplog.at_level(logging.WARNING):
        assert choose(allow_none=True).name == "none"
    assert "no sandbox" in caplog.text


def test_bubblewrap_that_is_missing_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    skip_where_refused("landlock")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert choose().name == "landlock"


def test_the_whole_disk_is_never_shown(kind: str, tmp_path: Path) -> None:
    sandbox = kinds()[kind](PYTHON, LAUNCHER)
    with pytest.raises(MachineError) as caught:
        sandbox.wrap(["/bin/true"], read_only=[Path("/usr/..")], writable=tmp_path, env={})
    assert caught.value.code == "sandbox.too_wide"


def test_a_kernel_without_landlock_is_refused_with_its_reason(tmp_path: Path) -> None:
    """The launcher starts nothing when a right could not be given up."""
    skip_where_refused("landlock")
    broken = tmp_path / "launch.py"
    broken.write_text(LAUNCHER.read_text().replace("= 444, 445, 446", "= 4440, 4450, 4460"))
    with pytest.raises(MachineError, match="not implemented") as caught:
        package.try_once(Landlock(launcher=broken))
    assert caught.value.code == "sandbox.unavailable"
