"""What a hostile scene might try. Run inside a sandbox by test_sandbox_escape.py: standard library only.

Usage: escape_attempts.py PLAN_JSON. Prints one JSON object: for every attempt the string
``refused`` and why, or ``done`` and what was got.
"""

import ctypes
import errno
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import threading

PLAN = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)


def read_a_secret():
    with open(PLAN["secret"]) as file:
        return file.read()


def list_the_secret_s_folder():
    return os.listdir(os.path.dirname(PLAN["secret"]))


def read_the_accounts():
    """The places where keys usually lie, whoever we are."""
    found: list[object] = []
    for place in ("/etc/shadow", "/etc/ssh", *glob.glob("/home/*/.ssh"), "/root/.ssh", "/root", "/home"):
        try:
            found += os.listdir(place) if os.path.isdir(place) else [os.open(place, os.O_RDONLY)]
        except OSError:
            continue
    if found:
        return found
    raise PermissionError("none of them")


def write_outside():
    with open(PLAN["outside"], "w") as file:
        file.write("was here")


def overwrite_what_may_be_read():
    with open(PLAN["readable"], "a") as file:
        file.write("changed")


def truncate_what_may_be_read():
    os.truncate(PLAN["readable"], 0)


def delete_what_may_be_read():
    os.unlink(PLAN["readable"])


def open_what_may_be_read_to_all():
    os.chmod(PLAN["readable"], 0o666)


def open_it_by_descriptor():
    with open(PLAN["readable"]) as file:
        os.fchmod(file.fileno(), 0o666)


def change_its_times():
    os.utime(PLAN["readable"], (0, 0))


def link_a_secret_into_the_job():
    os.link(PLAN["secret"], "link")


def reach_a_secret_through_a_symlink():
    os.symlink(PLAN["secret"], "way")
    with open("way") as file:
        return file.read()


def leave_a_program_in_the_job_and_run_it():
    with open("program", "w") as file:
        file.write("#!/bin/sh\necho ran\n")
    os.chmod("program", 0o755)
    return subprocess.run(["./program"], capture_output=True, text=True).stdout


def connect_to_loopback():
    with socket.create_connection(("127.0.0.1", PLAN["port"]), timeout=2) as peer:
        return peer.recv(16).decode()


def connect_to_the_world():
    socket.create_connection(("192.0.2.1", 80), timeout=1).close()


def listen():
    socket.create_server(("127.0.0.1", 0)).close()


def send_a_datagram():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", PLAN["port"]))


def speak_to_a_unix_socket():
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(PLAN["unix_socket"])
    return peer.recv(16).decode()


def kill_a_bystander():
    os.kill(PLAN["bystander"], signal.SIGKILL)


def stop_everybody():
    os.kill(-1, signal.SIGSTOP)


def lower_a_bystander_s_limits():
    import resource

    resource.prlimit(PLAN["bystander"], resource.RLIMIT_NOFILE, (3, 3))


def trace_a_bystander():
    if libc.ptrace(16, PLAN["bystander"], 0, 0) != 0:  # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), "ptrace")


def read_a_bystander_s_environment():
    with open(f"/proc/{PLAN['bystander']}/environ") as file:
        return file.read()


def read_a_bystander_s_command_line():
    with open(f"/proc/{PLAN['bystander']}/cmdline") as file:
        text = file.read()
    if "bystander" not in text:
        raise FileNotFoundError("another process has that number here")
    return text


def see_other_processes():
    mine = {os.getpid(), os.getppid(), 1}
    others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in mine]
    if not others:
        raise PermissionError("nobody there")
    return others


def start_a_process():
    return subprocess.run(["/bin/true"]).returncode


def fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    return child


def raw_clone():
    child = libc.syscall(ctypes.c_long(56), ctypes.c_ulong(17), None, None, None, None)
    if child == 0:
        os._exit(0)
    if child < 0:
        raise OSError(ctypes.get_errno(), "clone")


def call_what_no_renderer_needs():
    """Names the calls of x86-64 that the kernel itself answers: of arguments that mean nothing it says
    ESRCH, EBADF or EINVAL, where the sandbox's filter says EPERM."""
    numbers = {
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "pidfd_getfd": 438, "process_madvise": 440, "io_uring_setup": 425, "io_uring_enter": 426,
        "io_uring_register": 427, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        "open_by_handle_at": 304, "unshare": 272, "setns": 308, "add_key": 248, "request_key": 249,
        "keyctl": 250, "shmget": 29, "shmat": 30, "semget": 64, "msgget": 68, "mq_open": 240,
        "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466,
    }  # fmt: skip
    answered = []
    for name, number in numbers.items():
        ctypes.set_errno(0)
        libc.syscall(ctypes.c_long(number), *[ctypes.c_long(-1)] * 6)
        if ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
            answered.append(name)
    if not answered:
        raise PermissionError(f"all {len(numbers)}")
    return answered


def new_user_namespace():
    if libc.unshare(0x10000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def mount_something():
    if libc.mount(b"none", os.getcwd().encode(), b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def shared_memory():
    if libc.shmget(0x7470, 4096, 0o1600) < 0:
        raise OSError(ctypes.get_errno(), "shmget")


def io_uring():
    if libc.syscall(ctypes.c_long(425), 1, ctypes.create_string_buffer(120)) < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")


def other_system_call_table():
    """The x32 numbers of x86-64; ends the process where they are refused, so it comes last."""
    if libc.syscall(ctypes.c_long(0x40000000 + 41), 2, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "socket")


def see_an_environment_secret():
    if "TILEPROOF_TEST_SECRET" in os.environ:
        return os.environ["TILEPROOF_TEST_SECRET"]
    with open("/proc/self/environ") as file:
        if "TILEPROOF_TEST_SECRET" in file.read():
            return "in /proc"
    raise KeyError("not there")


def find_an_open_file_of_ours():
    found = []
    for descriptor in range(3, 256):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue
        if os.path.realpath(__file__) != target and "/proc/" not in target:
            found.append(target)
    if found:
        return found
    raise FileNotFoundError("none")


def gain_privileges():
    with open("/proc/self/status") as file:
        facts = dict(line.split(":\t", 1) for line in file if ":\t" in line)
    held = {name: facts[name].strip() for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}
    if any(int(value, 16) for name, value in held.items() if name != "CapBnd"):
        return held
    if facts["NoNewPrivs"].strip() != "1":
        return "no_new_privs is off"
    raise PermissionError("none held")


def fill_the_memory_through_a_file():
    """More than any temporary file system of the sandbox may hold."""
    written, block = 0, bytes(16 << 20)
    for place in ("/tmp", "/dev/shm", "/run", "/var/tmp", "/"):
        try:
            with open(os.path.join(place, "filler"), "wb", buffering=0) as file:
                while written < PLAN["too_many_bytes"]:
                    written += file.write(block)
        except OSError:
            continue
    if written < PLAN["too_many_bytes"]:
        raise MemoryError(f"after {written} bytes")
    return written


def still_works():
    """Not an attack: what an honest render needs."""
    with open("picture", "wb") as file:
        file.write(b"x")
    os.replace("picture", "picture.png")
    os.makedirs("deep/er")
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    with open(PLAN["readable"]) as file:
        return file.read()


def main():
    for name in PLAN["attempts"]:
        try:
            got = globals()[name]()
            outcome = ["done", repr(got)[:200]]
        except Exception as error:  # noqa: BLE001 - every refusal counts
            outcome = ["refused", f"{type(error).__name__}: {error}"[:200]]
        print(json.dumps([name, *outcome]), flush=True)


main()
