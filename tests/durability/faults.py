"""Disks that fail on purpose, by means that the kernel offers; nothing of ours is replaced."""

import ctypes
import errno
import os
import platform
import resource
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# The numbers of fsync and fdatasync (linux: arch/*/entry/syscalls, asm-generic/unistd.h).
SYNC_CALLS = {"x86_64": (74, 75), "aarch64": (82, 83)}.get(platform.machine())

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2  # linux/prctl.h, linux/seccomp.h
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h
ALLOW, FAIL = 0x7FFF0000, 0x00050000  # linux/seccomp.h: SECCOMP_RET_ALLOW, _ERRNO
CALL, FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def fail_sync(descriptors: Sequence[int] | None) -> None:
    """Let fsync and fdatasync fail with EIO in this thread, for ever; None: for all files."""
    assert SYNC_CALLS is not None
    calls, files = list(SYNC_CALLS), list(descriptors or [])
    code = [(LOAD, 0, 0, CALL)]
    code += [(EQUAL, len(calls) - at, 0, call) for at, call in enumerate(calls)]
    code += [(RETURN, 0, 0, ALLOW)]
    if descriptors is not None:
        code += [(LOAD, 0, 0, FIRST_ARGUMENT)]
        code += [(EQUAL, len(files) - at, 0, file) for at, file in enumerate(files)]
        code += [(RETURN, 0, 0, ALLOW)]
    code += [(RETURN, 0, 0, FAIL | errno.EIO)]
    program = b"".join(
        operation.to_bytes(2, "little") + bytes([yes, no]) + value.to_bytes(4, "little")
        for operation, yes, no, value in code
    )
    buffer = ctypes.create_string_buffer(program)
    installed = _Filter(len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, FILTER, ctypes.byref(installed), 0, 0),
    ):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "seccomp")


def descriptors_of(path: Path) -> list[int]:
    """Return this process's descriptors of a file."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{number}") == str(path):
                found.append(int(number))
        except OSError:
            pass  # the descriptor that listed the folder
    return found


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let every write of this process beyond `size` bytes of a file fail with EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system of `size` bytes on the folder; needs root."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "quire", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(path: Path) -> None:
    """Write a file until its disk is full."""
    with open(path, "ab", buffering=0) as ballast:
        for size in (65536, 4096, 1):
            try:
                while True:
                    ballast.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC
