"""Logs of genuine documents as `collab.past.items` takes them, and what Yjs makes of them."""

import base64
import json
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any

from collab.past.items import Items
from collab.past.order import Branch, Item
from collab.state import State
from collab.update import Id, read_update
from tests.collab.genuine import NODE, Document, need_node, scattered


def log_of(document: Document) -> list[bytes]:
    """The rows that a server's gate logs of a document that came over a bad network."""
    return [news.data for news in scattered(document, document.random())[1]]


def items_of(rows: Iterable[bytes]) -> Items:
    """The past of a document; the first row has seq 1."""
    items = Items()
    for seq, row in enumerate(rows, 1):
        items.enter(seq, row)
    return items


def crossed(items: Items) -> bool:
    """Whether some item was inserted behind a unit that stands behind its right neighbour's.

    Yjs 13's UndoManager makes one now and then, when it brings back what others have cut apart.
    Where Yjs puts it depends on whether the two are one item or several by then, so documents with
    the same structs show it in different places; no server can help that.
    """
    for client in items.clients.values():
        for item in client.items:
            if item.parent is None or item.key is not None or item.origin is None:
                continue
            if item.right_origin is None or item.origin == item.right_origin:
                continue
            if _behind(items, item.right_origin, item.origin):
                return True
    return False


def _behind(items: Items, first: Id, second: Id) -> bool:
    """Whether the second of two units stands in the list behind the first."""
    one, other = items.find(first), items.find(second)
    if one is other:
        return second[1] > first[1]
    while one is not None and one is not other:
        one = one.right
    return one is other


class Log:
    """A growing log behind the gate, and its items."""

    def __init__(self, rows: Iterable[bytes] = ()) -> None:
        self.state = State()
        self.items = Items()
        self.rows: list[bytes] = []
        for row in rows:
            self.add(row)

    def add(self, update: bytes) -> bytes | None:
        """What was new in an update, now the last row; None if nothing was."""
        news, missing = self.state.admit(read_update(update), partial=False)
        assert not missing
        if news is None:
            return None
        self.state.enter(news)
        self.rows.append(news.data)
        self.items.enter(len(self.rows), news.data)
        return news.data


class Historian:
    """A Node process with real Yjs (tests/node/history.mjs); use as a context manager."""

    def __enter__(self) -> "Historian":
        need_node()
        self.process = subprocess.Popen(
            ["node", NODE / "history.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def tell(self, rows: Sequence[bytes], at: Sequence[int]) -> Any:
        """What Yjs shows after some rows, and how its lists stand in the end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        log = [base64.b64encode(row).decode() for row in rows]
        self.process.stdin.write(json.dumps({"log": log, "at": at}).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def lists_of(items: Items) -> dict[str, list[str]]:
    """Every list and chain, as tests/node/history.mjs writes them."""
    branches = dict(items.roots)
    for client in items.clients.values():
        for item in client.items:
            if item.branch is not None:
                branches[f"{item.client}:{item.clock}"] = item.branch
    found = {}
    for name, branch in branches.items():
        found[name] = _units(branch)
        for key in branch.entries:
            found[f"{name} {key}"] = _units(reversed(list(branch.chain(key))))
    return found


def _units(items: "Branch | Iterable[Item]") -> list[str]:
    return [f"{item.client}:{clock}" for item in items for clock in range(item.clock, item.end)]


def exact(value: Any) -> Any:
    """Integers that JavaScript cannot hold, as tests/node/history.mjs writes them."""
    if isinstance(value, int) and abs(value) >= 2**53:
        return {"big": str(value)}
    if isinstance(value, dict):
        return {key: exact(inner) for key, inner in value.items()}
    return [exact(inner) for inner in value] if isinstance(value, list) else value
