"""Gives up rights, then becomes the command. Standard library only; started as a program, by whatever
Python there is, and used by images/decode_child.py to give up its own rights.

Usage: launch.py RULES_JSON -- COMMAND...
RULES_JSON holds ``chdir`` and, for Landlock, ``read`` and ``write`` (lists of paths) and ``abi``
(the newest Landlock ABI to use, null for the kernel's own). With ``filter_at`` instead, the
system call filter is left in a descriptor whose number becomes that argument of the command:
bubblewrap installs it last.
Numbers are from linux/landlock.h, linux/prctl.h, linux/capability.h and the kernel's tables.
"""

import ctypes
import errno
import json
import os
import struct
import sys
from typing import Any

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 24, 38, 22
CAPSET = {"x86_64": 126, "aarch64": 91}
CAPABILITY_VERSION_3 = 0x20080522

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
ALL_FS_V1 = (1 << 13) - 1
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
FILE_ONLY = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
ALL_NET = ALL_SCOPES = 0b11

CLONE_THREAD = 0x10000
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435  # its flags lie in memory, out of a filter's reach; libraries fall back to clone
NO = {
    # fork, vfork: a renderer has threads, never children
    "x86_64": (
        *(57, 58),
        # socket
        *(41,),
        # ptrace, process_vm_readv, process_vm_writev, kcmp, pidfd_getfd, process_madvise
        *(101, 310, 311, 312, 438, 440),
        # io_uring, bpf, perf_event_open, userfaultfd, open_by_handle_at, unshare, setns
        *(425, 426, 427, 321, 298, 323, 304, 272, 308),
        # add_key, request_key, keyctl; shmget, shmat, semget, msgget, mq_open
        *(248, 249, 250, 29, 30, 64, 68, 240),
        # truncate, chmod, fchmod, fchmodat, fchmodat2, chown, fchown, lchown, fchownat: metadata
        # that Landlock leaves alone
        *(76, 90, 91, 268, 452, 92, 93, 94, 260),
        # setxattr and removexattr (by path, link, descriptor, at), utime, utimes, futimesat, utimensat
        *(188, 189, 190, 197, 198, 199, 463, 466, 132, 235, 261, 280),
    ),
    "aarch64": (
        198,
        *(117, 270, 271, 272, 438, 440),
        *(425, 426, 427, 280, 241, 282, 265, 97, 268),
        *(217, 218, 219, 194, 196, 190, 186, 180),
        *(45, 52, 53, 452, 54, 55),
        *(5, 6, 7, 14, 15, 16, 463, 466, 88),
    ),
}
"""Refused whatever their arguments. Those of aarch64 are asm-generic's and have not been tried."""
ON_SELF_ONLY = {
    # kill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, prlimit64, sched_setaffinity,
    # sched_setparam, sched_setscheduler, sched_setattr
    "x86_64": (62, 234, 129, 297, 302, 203, 142, 144, 314),
    "aarch64": (129, 131, 138, 240, 261, 122, 118, 119, 274),
}
"""Allowed on process 0 (the caller) and on the caller's own number."""
NO_OTHERS = {
    # tkill, pidfd_send_signal, setpriority, ioprio_set, migrate_pages, move_pages
    "x86_64": (200, 424, 141, 251, 256, 279),
    "aarch64": (130, 424, 140, 30, 238, 239),
}
"""Refused where other processes can be named: without a process namespace."""

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def syscall(number: int, *arguments: Any) -> int:
    return checked(libc.syscall(ctypes.c_long(number), *arguments))


def prctl(option: int, value: int, pointer: ctypes.c_void_p | None = None) -> int:
    zero = ctypes.c_ulong(0)
    return checked(libc.prctl(option, ctypes.c_ulong(value), pointer or zero, zero, zero))


def drop_capabilities() -> None:
    """None are left even to root, and none can be regained."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # beyond the last, or not ours to drop
            continue
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    syscall(CAPSET[os.uname().machine], header, bytes(24))


def restrict_files_and_net(read: list[str], write: list[str], newest: int | None) -> None:
    abi = syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    abi = abi if newest is None else min(abi, newest)
    handled = ALL_FS_V1
    handled |= (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0) | (IOCTL_DEV if abi >= 5 else 0)
    fields = (handled, *((ALL_NET,) if abi >= 4 else ()), *((ALL_SCOPES,) if abi >= 6 else ()))
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    for path in read:
        allow(ruleset, path, READ & handled)
    for path in write:
        allow(ruleset, path, handled & ~EXECUTE & ~REFER)
    syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def allow(ruleset: int, path: str, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):
        access &= FILE_ONLY
    rule = struct.pack("=Qi", access, descriptor)
    syscall(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint32(0))
    os.close(descriptor)


def filter_program(own_pid: int | None) -> bytes:
    """A classic BPF program over struct seccomp_data: number at 0, architecture at 4, the low
    half of argument n at 16 + 8 n. ``own_pid`` is None where a namespace hides other processes."""
    machine = os.uname().machine
    load, equal, at_least, any_bit, ret = 0x20, 0x15, 0x35, 0x45, 0x06
    allowed, kill = (ret, 0, 0, 0x7FFF0000), (ret, 0, 0, 0x80000000)
    refuse, absent = (ret, 0, 0, 0x50000 | errno.EPERM), (ret, 0, 0, 0x50000 | errno.ENOSYS)
    steps = [(load, 0, 0, 4), (equal, 1, 0, AUDIT_ARCH[machine]), kill, (load, 0, 0, 0)]
    if machine == "x86_64":
        steps += [(at_least, 0, 1, X32), kill]
    steps += [(equal, 0, 1, CLONE3), absent]
    numbers = NO[machine] + (NO_OTHERS[machine] if own_pid is not None else ())
    steps += [step for number in numbers for step in ((equal, 0, 1, number), refuse)]
    if own_pid is not None:
        for number in ON_SELF_ONLY[machine]:
            steps += [(equal, 0, 5, number), (load, 0, 0, 16)]
            steps += [(equal, 1, 0, 0), (equal, 0, 1, own_pid), allowed, refuse]
    steps += [(equal, 0, 3, CLONE[machine]), (load, 0, 0, 16), (any_bit, 1, 0, CLONE_THREAD), refuse]
    steps += [allowed]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def install(program: bytes) -> None:
    code = ctypes.create_string_buffer(program)
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    prctl(PR_SET_SECCOMP, 2, ctypes.cast(ctypes.c_char_p(header), ctypes.c_void_p))


def left_in_memory(program: bytes) -> int:
    descriptor = os.memfd_create("filter", 0)
    os.write(descriptor, program)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def main() -> None:
    import resource  # here: roles import this module for its constants, on systems without it, too

    rules = json.loads(sys.argv[1])
    command = sys.argv[3:]
    prctl(PR_SET_PDEATHSIG, 9)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(rules["chdir"])
    if "filter_at" in rules:
        command[rules["filter_at"]] = str(left_in_memory(filter_program(None)))
    else:
        if os.getpgrp() != os.getpid():
            os.setsid()  # process 0 in kill() means the group
        drop_capabilities()
        restrict_files_and_net(rules["read"], rules["write"], rules["abi"])
        install(filter_program(os.getpid()))
    os.execve(command[0], command, os.environ)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"{error.strerror}: {error.filename or ''}".rstrip(": "))
