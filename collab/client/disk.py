"""A file that an editor may write at any moment, and what is remembered of it. Knows no document.

Whatever is written here is written to another file first, and put in place by a rename: nobody ever
reads a half of it, and a crash leaves the one or the other. `Memory` is the hidden file
`.NAME.quire` in the same folder, so that it goes where the file goes.
"""

import contextlib
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

from collab.errors import Conflict

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
VERSION = 1


class Form(NamedTuple):
    """How a file spells its text: what editors of some systems put around it, and documents have
    not. What is written is read as the same text again, whatever is in it."""

    bom: bool = False
    crlf: bool = False

    @classmethod
    def of(cls, data: bytes) -> "Form":
        """The form of a file as it is. Conflict when it is no text."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise Conflict("The file is not UTF-8.") from None
        if "\0" in text:
            raise Conflict("The file is no text: it has a null byte.")
        ends = text.count("\n")
        return cls(text.startswith(BOM), 0 < ends == text.count("\r\n"))

    def read(self, data: bytes) -> str:
        """The text of a file. UnicodeDecodeError when it is not UTF-8 (any more)."""
        text = data.decode()
        text = text.removeprefix(BOM) if self.bom else text
        return text.replace("\r\n", "\n") if self.crlf else text

    def write(self, text: str) -> bytes:
        """What is to be in the file."""
        text = text.replace("\n", "\r\n") if self.crlf else text
        return ((BOM if self.bom else "") + text).encode()


class Memory:
    """What was agreed on: the document, as Yjs states, when the file last had its text. There are
    two while the file is being written: it has the text of the one or the other."""

    def __init__(self, path: Path, mirrored: str) -> None:
        """`mirrored` says which text of which document it is."""
        self.path = path.with_name(f".{path.name}.quire")
        self.form = Form()
        self.states: list[bytes] = []
        self._mirrored = mirrored

    def load(self) -> None:
        """Reads what is remembered, if anything is. Conflict when it is of another document, or
        damaged."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        anew = f"Remove {self.path} to begin anew"
        head, _, body = data.partition(b"\n")
        try:
            about = json.loads(head)
            sizes, digest = about["sizes"], about["digest"]
            whole = sum(sizes) == len(body) and digest == hashlib.sha256(body).hexdigest()
            form = Form(about["bom"], about["crlf"])
            mirrored = about["mirrored"]
        except (ValueError, LookupError, TypeError):
            whole = False
        if not whole:
            raise Conflict(f"What was remembered of the file is damaged. {anew}.")
        if mirrored != self._mirrored:
            raise Conflict(f"The file is the mirror of {mirrored}. {anew}.")
        self.form = form
        for size in sizes:
            self.states.append(body[:size])
            body = body[size:]

    def save(self, *states: bytes) -> None:
        """Remembers these from now on: they are on disk when it returns. OSError if not."""
        self.states = list(states)
        body = b"".join(states)
        about = {
            "version": VERSION,
            "mirrored": self._mirrored,
            **self.form._asdict(),
            "sizes": [len(state) for state in states],
            "digest": hashlib.sha256(body).hexdigest(),
        }
        replace(self.path, json.dumps(about).encode() + b"\n" + body, 0o600)


def signature(path: Path) -> tuple[int, ...] | None:
    """Changes whenever the file does; None when there is none. Conflict when it is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise Conflict(f"{path} is no file.")
    return found.st_ino, found.st_size, found.st_mtime_ns


def read(path: Path) -> bytes | None:
    """What is in the file; None when there is none."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return None


class Changed(Exception):
    """The file is not any more as it was read: nothing was written."""


def exchange(path: Path, before: bytes | None, data: bytes) -> BinaryIO | None:
    """Puts `data` into the file, where `before` was read; None: there was none. Raises Changed if
    that is not so. What was replaced, still open: who was about to write into it writes there."""
    try:
        old = path.open("rb")
    except FileNotFoundError:
        if before is not None:
            raise Changed from None
        replace(path, data, 0o666 & ~_umask())
        return None
    try:
        if old.read() != before:
            raise Changed
        found = os.fstat(old.fileno())
        replace(path, data, stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid))
    except BaseException:
        old.close()
        raise
    return old


def replace(path: Path, data: bytes, mode: int, owner: tuple[int, int] = (-1, -1)) -> None:
    """Writes the file as a whole; `owner` (user, group) if we may."""
    new = path.with_name(f".{path.name.lstrip('.')}.new~")
    new.unlink(missing_ok=True)  # of a crash; and nobody's link is followed
    with new.open("xb") as file:
        with contextlib.suppress(PermissionError):
            os.fchown(file.fileno(), *owner)
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
