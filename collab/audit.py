"""Who did what to which document, on its way into the store's audit log. Knows no store, no clock.

    note -> take (every second, by the hub) -> Store.record

The first time somebody does something is a line at once. What they do again and again within a
minute is one more line, with how often it was. And what anybody can do as often as they like may
fill only so many lines a minute: the rest is counted together, without names, so that no flood
fills the disk. What is noted here is on disk a second later, not before it is done.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from typing import Literal, NamedTuple, get_args

from collab.names import is_visible
from collab.storage import TENANT, AuditLine
from collab.storage.audit import MAX_TEXT

Action = Literal[
    "connect", "refuse", "grant", "revoke", "restore", "undo", "export", "delete", "undelete",
    "erase", "thin", "quarantine", "repair", "limit",
]  # fmt: skip
ACTIONS: tuple[str, ...] = get_args(Action)

WINDOW = 60.0  # seconds in which the same again is counted
LINES = {"connect": 5_000, "export": 5_000, "refuse": 500, "limit": 500}
"""How many lines a window what is done by many may fill, or by people who have no rights."""
SHARE = 5  # of them at most a fifth from one address
MOST = 20_000  # different things of a window that are known, and lines that wait for the disk
MANY = "more of these than are listed one by one"

_Key = tuple[str, str, str, str, str]  # action, user, address, document, detail if that counts


class _Again(NamedTuple):
    """When a window began, and what came in it after the first time."""

    began: float
    times: int
    last: AuditLine


class Audit:
    """What is noted and not yet taken."""

    def __init__(self) -> None:
        self._ready: list[AuditLine] = []
        self._windows: dict[_Key, _Again] = {}  # the one that began first comes first
        self._listed: Counter[tuple[str, str]] = Counter()  # windows by action and address, or ""
        self._lost = 0

    def note(
        self,
        action: Action,
        *,
        user: str = "",
        address: str = "",
        document: str = "",
        detail: str = "",
        now: float,
    ) -> None:
        """That `user` at `address` did it to the document of this key; `now` in seconds since the
        epoch. `detail` is a few words of ours: never content, a title or a token. ValueError for an
        action that is none of ACTIONS. The same again within WINDOW is counted; what is done by
        many is the same whatever the detail."""
        if action not in ACTIONS:
            raise ValueError(f"{action!r} is no action: they are {', '.join(ACTIONS)}")
        texts = _clean(document, TENANT), _clean(user), _clean(address)
        line = AuditLine(int(now * 1000), *texts, action, _clean(detail))
        if _key(line) not in self._windows:
            line = self._grouped(line)
        key = _key(line)
        if (again := self._windows.get(key)) is not None:
            self._windows[key] = _Again(again.began, again.times + 1, line)
            return
        self._windows[key] = _Again(now, 0, line)
        self._listed.update(_counted(line))
        self._ready.append(line)

    def _grouped(self, line: AuditLine) -> AuditLine:
        """The line, or one for all that have no room any more."""
        of_all, of_address = (self._listed[key] for key in _counted(line))
        most = LINES.get(line.action, MOST)
        if of_all >= most or len(self._windows) >= MOST:
            return line._replace(document="", user="", address="", detail=MANY)
        if line.action in LINES and of_address * SHARE >= most:
            return line._replace(document="", user="", detail=MANY)
        return line

    def take(self, now: float, closing: bool = False) -> list[AuditLine]:
        """All that can be recorded now, when closing all there is. `give_back` what could not
        be."""
        over = takewhile(
            lambda item: closing or not 0 <= now - item[1].began < WINDOW, self._windows.items()
        )
        done = list(over)
        for key, again in done:
            del self._windows[key]
            if again.times:
                self._ready.append(again.last._replace(times=again.times))
                self._windows[key] = _Again(now, 0, again.last)
            else:
                self._listed.subtract(_counted(again.last))
        if done:
            self._listed = +self._listed  # without what is at 0
        taken, self._ready = self._ready, []
        return taken

    def give_back(self, lines: Sequence[AuditLine]) -> None:
        """They could not be recorded: they wait for the next time, as far as there is room."""
        self._ready[:0] = lines
        self._lost += len(self._ready[MOST:])
        del self._ready[MOST:]

    def lost(self) -> int:
        """How many lines there was no room for since the last time that this was asked."""
        lost, self._lost = self._lost, 0
        return lost


def _key(line: AuditLine) -> _Key:
    detail = "" if line.action in LINES and line.detail != MANY else line.detail
    return line.action, line.user, line.address, line.document, detail


def _counted(line: AuditLine) -> tuple[tuple[str, str], tuple[str, str]]:
    return (line.action, ""), (line.action, line.address or "none")


def _clean(text: str, kept: str = "") -> str:
    """The text as it may be kept, and shown on any terminal."""
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - 1] + "\N{HORIZONTAL ELLIPSIS}"
    first, separator, rest = text.partition(kept) if kept else (text, "", "")
    return "".join(map(_visible, first)) + separator + "".join(map(_visible, rest))


def _visible(character: str) -> str:
    return character if is_visible(character) else "\N{REPLACEMENT CHARACTER}"
