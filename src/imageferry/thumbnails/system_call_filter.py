"""A filter of system calls (seccomp): a process can compute, use memory, and use the files that it has open already.

What it lists is allowed; everything else fails with EPERM: opening files, sockets, other processes and programs,
signals, tracing. So a decoder that a picture has taken over reaches nothing but the pipe to its parent.
"""

import ctypes
import errno
import os
import platform
import sys
from struct import pack

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # their numbers in `linux/audit.h`
_ALLOWED = {  # their numbers on each of the machines
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "readv": (19, 65),
    "writev": (20, 66),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "restart_syscall": (219, 128),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "gettimeofday": (96, 169),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "getrandom": (318, 278),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
# Allowed with some arguments only.
_CLONE = (56, 220)  # a thread of this process
_PRLIMIT = (302, 261)  # of this process
_CLONE3 = 435  # its flags can't be seen here: the C library uses clone when it does not exist
_CLONE_THREAD = 0x10000

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_IF_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_CALL_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in `struct seccomp_data`
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def restrict_system_calls() -> None:
    """Install the filter, for good, in this process, which must have one thread. Raise OSError where there is none."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"there is no filter for {sys.platform} on {machine}")
    code = _filter(machine)
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(code) // 8, code)
    for arguments in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))):
        if libc.prctl(*arguments, *[0] * (5 - len(arguments))):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _filter(machine: str) -> bytes:
    column = list(_MACHINES).index(machine)
    allow, refuse = _instruction(_RETURN, _ALLOW), _instruction(_RETURN, _FAIL | errno.EPERM)
    first_argument = _instruction(_LOAD, _FIRST_ARGUMENT)
    return b"".join(
        [
            _instruction(_LOAD, _ARCHITECTURE),
            _instruction(_JUMP_EQUAL, _MACHINES[machine], if_true=1),
            _instruction(_RETURN, _KILL),
            _instruction(_LOAD, _CALL_NUMBER),
            *_if(_JUMP_AT_LEAST, 0x40000000, refuse),  # another set of numbers, of the x32 ABI
            *(part for numbers in _ALLOWED.values() for part in _if(_JUMP_EQUAL, numbers[column], allow)),
            *_if(_JUMP_EQUAL, _CLONE3, _instruction(_RETURN, _FAIL | errno.ENOSYS)),
            *_if(_JUMP_EQUAL, _CLONE[column], first_argument, *_if(_JUMP_IF_SET, _CLONE_THREAD, allow), refuse),
            *_if(_JUMP_EQUAL, _PRLIMIT[column], first_argument, *_if(_JUMP_EQUAL, 0, allow), refuse),
            refuse,
        ]
    )


def _if(jump: int, value: int, *then: bytes) -> list[bytes]:
    """Return code that runs `then` if the loaded number passes a comparison."""
    return [_instruction(jump, value, if_false=len(then)), *then]


def _instruction(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return pack("=HBBI", code, if_true, if_false, value)
