"""Gives up rights, then becomes the command. Standard library only; started, never imported.

Usage: landlock_launch.py RULES_JSON -- COMMAND...
Numbers are from linux/landlock.h, linux/seccomp.h and the syscall tables (5.13 and later).
"""

import ctypes
import errno
import json
import os
import struct
import sys

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_PDEATHSIG = 38, 22, 1
O_PATH = 0o10000000

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
ALL_FS_V1 = (1 << 13) - 1
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
FILE_ONLY = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
ALL_NET = 0b11
ALL_SCOPES = 0b11
MIN_ABI = 4
"""The first that restricts TCP."""

libc = ctypes.CDLL(None, use_errno=True)


def syscall(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(*arguments):
    if libc.prctl(*(ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def restrict_files_and_net(rules):
    abi = syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if abi < MIN_ABI:
        raise OSError(errno.ENOSYS, f"Landlock ABI {abi} is older than {MIN_ABI} and cannot restrict TCP")
    handled = ALL_FS_V1 | REFER | TRUNCATE | (IOCTL_DEV if abi >= 5 else 0)
    attributes = struct.pack("=QQQ", handled, ALL_NET, ALL_SCOPES if abi >= 6 else 0)
    attributes = attributes if abi >= 6 else attributes[:16]
    ruleset = syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    for path in rules["read"]:
        allow(ruleset, path, READ & handled)
    for path in rules["write"]:
        allow(ruleset, path, handled & ~EXECUTE & ~REFER)
    syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def allow(ruleset, path, access):
    try:
        descriptor = os.open(path, O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):
        access &= FILE_ONLY
    rule = struct.pack("=Qi", access, descriptor)
    syscall(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint32(0))
    os.close(descriptor)


def deny_sockets():
    """Landlock knows TCP only, so other internet sockets are refused by number of the family."""
    arch, nr_socket, forbidden = {
        "x86_64": (0xC000003E, 41, (101, 310, 311, 425, 426, 427)),
        "aarch64": (0xC00000B7, 198, (117, 270, 271, 425, 426, 427)),
    }[os.uname().machine]
    load, equal, ret = 0x20, 0x15, 0x06
    allow_it, deny_it, kill_it = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x80000000
    families = (2, 10, 16, 17)  # INET, INET6, NETLINK, PACKET
    program = [(load, 0, 0, 4), (equal, 1, 0, arch), (ret, 0, 0, kill_it), (load, 0, 0, 0)]
    # ptrace, process_vm_readv and writev, io_uring: ways around the rules above
    program += [step for nr in forbidden for step in ((equal, 0, 1, nr), (ret, 0, 0, deny_it))]
    program += [(equal, 1, 0, nr_socket), (ret, 0, 0, allow_it), (load, 0, 0, 16)]
    program += [step for family in families for step in ((equal, 0, 1, family), (ret, 0, 0, deny_it))]
    program += [(ret, 0, 0, allow_it)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    filters = struct.pack("@HxxxxxxP", len(program), ctypes.addressof(code))
    prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(filters), 0, 0)


def main():
    rules = json.loads(sys.argv[1])
    command = sys.argv[3:]
    prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.chdir(rules["chdir"])
    restrict_files_and_net(rules)
    deny_sockets()
    os.execve(command[0], command, os.environ)


try:
    main()
except OSError as error:
    sys.exit(f"{error.strerror}: {error.filename or ''}".rstrip(": "))
