"""Restoring documents that Tiptap and BlockNote wrote, while their editors go on editing.

The editors are real, with their own bindings to Yjs: these delete what does not fit the schema, so
that a restore which is wrong by a node would be answered with corrections. Where a moment itself
does not fit, for two editors' edits had just met there, what is corrected is theirs.
"""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from collab.past.inverse import NOTHING, inverse, undo
from collab.past.moments import Moment
from tests.collab.genuine import NODE, SOAK, need_node
from tests.collab.test_inverse import Table
from tests.engines import Yjs

STORIES = SOAK or 2


class Editors(Yjs):
    """Node with real editors of one kind (tests/node/prosemirror.mjs); a context manager."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __enter__(self) -> "Editors":
        need_node()
        self.process = subprocess.Popen(
            ["node", NODE / "prosemirror.mjs", self.kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self


class Desk(Table):
    """A table whose clients are editors. The first one has opened the document before the others
    came."""

    def __init__(self, yjs: Yjs, seed: int) -> None:
        super().__init__(yjs, seed)
        self.authors: dict[int, list[int]] = {client: [] for client in self.made}
        first = next(iter(self.made))
        while not self.log.rows:
            self.edit(first)
            self.send(first)
        for client in self.made:
            self.hear(client, len(self.log.rows))
        self.some_edits(60)

    def send(self, client: int) -> None:
        rows = len(self.log.rows)
        super().send(client)
        self.authors[client] += range(rows + 1, len(self.log.rows) + 1)

    def rest(self) -> None:
        """Everybody leaves the keys alone for a moment; the editors' timers may write something."""
        for made, late in zip(self.made.values(), self.ask("rest"), strict=True):
            made += late

    def agree(self) -> str:
        for _ in range(50):
            for client in self.made:
                self.send(client)
            for client in self.made:
                self.hear(client, len(self.log.rows))
            self.rest()
            if not any(self.made.values()):
                break
        return super().agree()

    def open(self, seq: int) -> Any:
        """The ProseMirror document that a fresh editor shows, and whether it is all that there is
        and fits the schema."""
        return self.ask("open", self.log.rows[:seq])

    def restore(self, seq: int) -> Any:
        """Back to a moment: a fresh client and a fresh editor show just what they would have shown
        then. The ProseMirror document; None if that moment did not fit the schema."""
        rows = self.log.rows
        then, (document, fits) = self.show(rows[:seq]), self.open(seq)
        self.log.add(inverse(self.log.items, seq))
        assert self.show(rows) == then, (seq, len(rows))
        assert inverse(self.log.items, seq) == NOTHING
        assert self.open(len(rows)) == [document, fits]
        return document if fits else None

    def all_show(self, document: Any) -> None:
        """Every editor shows it, and has nothing to correct, now or with its next key."""
        for client in self.made:
            assert self.ask("look", client) == [document, True]

    def only_tidied(self) -> None:
        """What the clients made is at most what any Yjs does with a text when it hears of it: it
        deletes formats that say nothing, which nobody can see."""
        self.rest()
        rows = self.log.rows
        made = [update for updates in self.made.values() for update in updates]
        assert all(update.startswith(b"\0") for update in made)  # it has no structs
        assert self.show([*rows, *made]) == self.show(rows)

    def settle(self) -> None:
        """Everything is sent and heard, and corrected; the editors show the same if it fits."""
        self.agree()
        document, fits = self.open(len(self.log.rows))
        if fits:
            self.all_show(document)

    def carets(self) -> dict[int, list[Any]]:
        """Some carets in each editor: where it is for Yjs, and the character next to it."""
        return {client: self.ask("carets", client) for client in self.made}

    def stayed(self, carets: dict[int, list[Any]], seq: int) -> None:
        """Carets next to something that was there at the moment too are still next to it."""
        items, then = self.log.items, Moment(self.log.items, seq)
        for client, theirs in carets.items():
            kept = []
            for caret, character in theirs:
                unit = json.loads(caret).get("item")
                if unit is None:
                    continue  # it is at the end of a text
                item, clock = items.find((unit["client"], unit["clock"])), unit["clock"]
                if any(start <= clock < end for start, end in then.alive(item)):
                    kept.append((caret, character))
            now = self.ask("next", client, [caret for caret, _ in kept])
            assert now == [character for _, character in kept]


def desks(editors: Editors, seed: int) -> Iterator[Desk]:
    for story in range(seed, seed + STORIES):
        print(f"replay with QUIRE_SEED={story}")  # the last line is the story that failed
        editors.begin(story)
        yield Desk(editors, story)
        editors.end(story)


@pytest.mark.parametrize("kind", ["tiptap", "blocknote"])
def test_restore_what_editors_wrote(seed: int, kind: str) -> None:
    """All is quiet when a moment is restored: every editor shows exactly the old document, sends
    nothing, and its carets are where they were."""
    with Editors(kind) as editors:
        for desk in desks(editors, seed):
            for _ in range(3):
                desk.settle()
                seq = desk.random.randint(1, len(desk.log.rows))
                carets = desk.carets()
                document = desk.restore(seq)
                if document is not None:
                    for client in desk.made:
                        desk.hear(client, 1)
                    desk.only_tidied()
                    desk.all_show(document)
                    desk.stayed(carets, seq)
                desk.some_edits(15)
            desk.settle()


@pytest.mark.parametrize("kind", ["tiptap", "blocknote"])
def test_restore_while_editors_edit(seed: int, kind: str) -> None:
    """Edits are on their way when a moment is restored, or one author's rows are taken back:
    in the end every editor shows the same."""
    with Editors(kind) as editors:
        for desk in desks(editors, seed):
            for _ in range(2):
                rows = desk.log.rows
                desk.restore(desk.random.randint(1, len(rows)))
                desk.some_edits(10)
                desk.restore(len(rows) - desk.random.randint(0, min(9, len(rows) - 1)))
                desk.some_edits(10)
                author = desk.random.choice(list(desk.authors))
                desk.log.add(undo(desk.log.items, desk.authors[author]))
                desk.some_edits(10)
            desk.settle()
