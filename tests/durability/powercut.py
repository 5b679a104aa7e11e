"""A disk that can lose its power: records what SQLite writes and syncs, and replays it with cuts.

Run as a program it appends to a store, with a VFS of its own registered in the SQLite that Python
uses, and leaves the trace in a file. `Disk` then says what could be on the disk after a cut: all
that was synced, and of later writes any part, some of them torn. Knows SQLite's C interface
(https://sqlite.org/c3ref/vfs.html), but not what the store writes where.
"""

import _sqlite3
import asyncio
import ctypes
import pickle
import random
import sys
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from itertools import pairwise
from typing import Any

from collab.storage import Entry
from collab.storage.sqlite import SQLiteStore

SECTOR = 512  # the largest piece that a disk writes whole or not at all

Methods = c_void_p * 19  # sqlite3_io_methods; its iVersion fills the first place
WRITE, TRUNCATE, SYNC = 3, 4, 5
XWrite = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
XTruncate = CFUNCTYPE(c_int, c_void_p, c_int64)
XSync = CFUNCTYPE(c_int, c_void_p, c_int)
XOpen = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
XDelete = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)


class Vfs(ctypes.Structure):
    """sqlite3_vfs up to the two methods that are replaced, and room for the others."""

    _fields_ = [
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", c_void_p),
        ("xDelete", c_void_p),
        ("others", c_void_p * 14),
    ]


class Recorder:
    """Puts itself between SQLite and the file system; `trace` is what went through."""

    def __init__(self, sqlite: ctypes.CDLL) -> None:
        self.trace: list[tuple[Any, ...]] = []
        self._files: dict[int, tuple[str, Any]] = {}  # by the address of a sqlite3_file
        self._kept: list[Any] = []  # what C points to
        sqlite.sqlite3_vfs_find.restype = POINTER(Vfs)
        system = sqlite.sqlite3_vfs_find(None).contents
        self._vfs = Vfs.from_buffer_copy(system)
        self._vfs.zName = b"recorder"
        self._system_open = XOpen(system.xOpen)
        self._methods = (XWrite(self._write), XTruncate(self._truncate), XSync(self._sync))
        self._open = XOpen(self._opened)
        self._vfs.xOpen = ctypes.cast(self._open, c_void_p)
        self._system_delete = XDelete(system.xDelete)
        self._delete = XDelete(self._deleted)
        self._vfs.xDelete = ctypes.cast(self._delete, c_void_p)
        if sqlite.sqlite3_vfs_register(ctypes.byref(self._vfs), 1):
            raise RuntimeError("SQLite does not take the VFS")

    def _opened(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        # The name goes on as an address: SQLite keeps it as long as the file is open.
        code: int = self._system_open(vfs, name, file, flags, out)
        place = c_void_p.from_address(file)
        if code == 0 and name is not None and place.value is not None:
            system = Methods.from_address(place.value)
            ours = Methods.from_buffer_copy(system)
            for slot, method in zip((WRITE, TRUNCATE, SYNC), self._methods, strict=True):
                ours[slot] = ctypes.cast(method, c_void_p).value
            self._kept.append(ours)
            self._files[file] = (ctypes.string_at(name).decode(), system)
            place.value = ctypes.addressof(ours)
        return code

    def _deleted(self, vfs: int, name: int, sync: int) -> int:
        self.trace.append(("delete", ctypes.string_at(name).decode()))
        return int(self._system_delete(vfs, name, sync))

    def _write(self, file: int, data: int, count: int, offset: int) -> int:
        name, system = self._files[file]
        self.trace.append(("write", name, offset, ctypes.string_at(data, count)))
        return int(XWrite(system[WRITE])(file, data, count, offset))

    def _truncate(self, file: int, size: int) -> int:
        name, system = self._files[file]
        self.trace.append(("truncate", name, size))
        return int(XTruncate(system[TRUNCATE])(file, size))

    def _sync(self, file: int, flags: int) -> int:
        name, system = self._files[file]
        code = int(XSync(system[SYNC])(file, flags))
        self.trace.append(("sync", name))
        return code


class Disk:
    """What a disk holds while a trace goes on: what is synced, and what is on its way.

    Names are there, or gone, at once: SQLite syncs the folder when it first syncs its log.
    """

    def __init__(self) -> None:
        self._synced: dict[str, bytearray] = {}
        self._pending: dict[str, list[tuple[Any, ...]]] = {}

    def apply(self, step: tuple[Any, ...]) -> None:
        """Take one step of the trace."""
        kind, name = step[:2]
        if kind in ("write", "truncate"):
            self._pending.setdefault(name, []).append(step)
        elif kind == "sync":
            image = self._synced.setdefault(name, bytearray())
            for earlier in self._pending.pop(name, []):
                _carry_out(image, earlier)
        elif kind == "delete":
            self._synced.pop(name, None)
            self._pending.pop(name, None)

    def after_cut(self, chance: random.Random) -> dict[str, bytes]:
        """Return the files as they could be after a cut now: later writes lost, torn or done."""
        images = {name: bytearray(image) for name, image in self._synced.items()}
        for name, steps in self._pending.items():
            image = images.setdefault(name, bytearray())
            for step in steps:
                fate = chance.choice(["lost", "torn", "done"])
                if fate == "done" or (fate == "torn" and step[0] == "truncate"):
                    _carry_out(image, step)
                elif fate == "torn":
                    for piece in _sectors(step):
                        if chance.random() < 0.5:
                            _carry_out(image, piece)
        return {name: bytes(image) for name, image in images.items()}


def _carry_out(image: bytearray, step: tuple[Any, ...]) -> None:
    if step[0] == "truncate":
        del image[step[2] :]
        return
    _, _, offset, data = step
    image.extend(bytes(max(0, offset - len(image))))
    image[offset : offset + len(data)] = data


def _sectors(step: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Cut a write where the sectors of the disk begin."""
    kind, name, offset, data = step
    cuts = [0, *range(-offset % SECTOR or SECTOR, len(data), SECTOR), len(data)]
    return [(kind, name, offset + a, data[a:b]) for a, b in pairwise(cuts)]


async def _append(recorder: Recorder, path: str, appends: int, mode: str) -> None:
    """Append batches of a few rows to a few documents; mark in the trace what is acknowledged."""
    async with SQLiteStore(path) as store:
        assert store._file is not None
        if mode != "FULL":  # the control: what a default of many builds would lose
            store._file._db.execute(f"PRAGMA synchronous = {mode}")
        for turn in range(appends):
            batch = [
                Entry(f"doc{turn % 7}", turn, "al", b"%d:%d" % (turn, row))
                for row in range(1 + turn % 3)
            ]
            seqs = await store.append(batch)
            for entry, seq in zip(batch, seqs, strict=True):
                recorder.trace.append(("acknowledged", entry.document, seq, entry.data))


if __name__ == "__main__":
    path, trace_path, appends, mode = sys.argv[1:]
    recorder = Recorder(ctypes.CDLL(getattr(_sqlite3, "__file__", None)))
    for _ in range(2):  # closing and opening again have their own writes
        asyncio.run(_append(recorder, path, int(appends) // 2, mode))
    with open(trace_path, "wb") as output:
        pickle.dump(recorder.trace, output)
