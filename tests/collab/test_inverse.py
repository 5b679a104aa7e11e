"""Restoring any moment, and undoing any rows, while real Yjs clients go on editing."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from random import Random
from typing import Any

from collab.errors import CollabError
from collab.past.difference import difference
from collab.past.encoding import encode_moment
from collab.past.inverse import NOTHING, inverse, undo
from collab.past.items import Items
from collab.past.moments import Moment
from collab.past.shapes import contents
from collab.past.shelf import dump, load
from collab.reader import var_uints
from collab.update import read_update
from tests.collab.genuine import SOAK, corpus
from tests.collab.past import Log, items_of, log_of
from tests.engines import Yjs
from tests.mutants import Mutator

STORIES = SOAK or 20


class Table:
    """Some Yjs clients and a log between them: what each has made and not sent, and how many rows
    it has heard."""

    def __init__(self, yjs: Yjs, seed: int) -> None:
        self.yjs = yjs
        self.seed = seed
        self.random = Random(seed)
        self.log = Log()
        self.made: dict[int, list[bytes]] = {}
        self.heard: dict[int, int] = {}
        for _ in range(self.random.randint(2, 4)):
            client = self.random.randint(2, 300) if self.random.random() < 0.1 else 0
            client = client or self.random.getrandbits(32)
            self.ask("join", client)
            self.made[client], self.heard[client] = [], 0

    def ask(self, *command: Any) -> Any:
        return self.yjs.do([(self.seed, command)])[0]

    def edit(self, client: int) -> None:
        self.made[client] += self.ask("edit", client)

    def send(self, client: int) -> None:
        for update in self.made[client]:
            self.log.add(update)
        self.made[client].clear()

    def hear(self, client: int, rows: int) -> None:
        """Rows of the log arrive; the client may tidy up after them."""
        start = self.heard[client]
        for row in self.log.rows[start : start + rows]:
            self.made[client] += self.ask("apply", client, row)
        self.heard[client] = min(start + rows, len(self.log.rows))

    def some_edits(self, steps: int) -> None:
        for _ in range(steps):
            client = self.random.choice(list(self.made))
            chance = self.random.random()
            if chance < 0.5:
                self.edit(client)
            elif chance < 0.75:
                self.send(client)
            else:
                self.hear(client, self.random.randint(1, 9))

    def show(self, rows: Sequence[bytes]) -> str:
        """What a fresh client shows."""
        content, pending = self.ask("show", list(rows))
        assert not pending
        return str(content)

    def agree(self) -> str:
        """Everything is sent and heard: all show the same, which is returned."""
        for _ in range(50):
            for client in self.made:
                self.send(client)
            for client in self.made:
                self.hear(client, len(self.log.rows))
            if not any(self.made.values()) and set(self.heard.values()) == {len(self.log.rows)}:
                break
        shown = self.show(self.log.rows)
        for client in self.made:
            assert self.ask("content", client) == [shown, False]
        return shown


def tables(yjs: Yjs, seed: int) -> Iterator[Table]:
    for story in range(seed, seed + STORIES):
        yjs.begin(story)
        table = Table(yjs, story)
        table.some_edits(60)
        print(f"replay this story alone with QUIRE_SEED={story} QUIRE_SOAK=1")
        yield table
        yjs.end(story)


def test_restore_while_others_edit(seed: int) -> None:
    """A restore brings back exactly what the document was, again and again; edits that were on
    their way meet it, and everybody ends with the same."""
    with Yjs() as yjs:
        for table in tables(yjs, seed):
            for _ in range(4):
                rows = table.log.rows
                seq = table.random.randint(0, len(rows))
                then = table.show(rows[:seq])
                table.log.add(inverse(table.log.items, seq))
                assert table.show(rows) == then, (table.seed, seq, len(rows))
                assert inverse(table.log.items, seq) == NOTHING
                table.some_edits(12)
            table.agree()


def test_undo_while_others_edit(seed: int) -> None:
    """Rows are taken back: what they brought is gone, what they took is there, and whatever others
    did besides stays; taking back all that happened since a moment is restoring that moment."""
    with Yjs() as yjs:
        for table in tables(yjs, seed):
            rows, items = table.log.rows, table.log.items
            for _ in range(3):
                seq = table.random.randint(0, len(rows))
                then = table.show(rows[:seq])
                table.log.add(undo(items, range(seq + 1, len(rows) + 1)))
                assert table.show(rows) == then, (table.seed, seq, len(rows))
                table.some_edits(10)

                theirs = set(table.random.sample(range(1, len(rows) + 1), len(rows) // 3))
                before, alive = table.show(rows), units(items)
                if table.log.add(undo(items, theirs)) is not None:
                    now = units(items)
                    assert not any(born in theirs for born in now.values())
                    lost = {unit for unit in alive if unit not in now}
                    assert all(alive[unit] in theirs or inside(items, unit) for unit in lost)
                    table.log.add(undo(items, [len(rows)]))
                    assert table.show(rows) == before, (table.seed, theirs)
                table.some_edits(10)
            table.agree()


def units(items: Items) -> dict[tuple[int, int], int]:
    """Every unit that is there, and the row that brought it."""
    now = Moment(items, items.seq)
    return {
        (client, clock): seq + step * (clock - begin)
        for client, known in items.clients.items()
        for item in known.items
        if item.parent is not None
        for start, end in now.alive(item)
        for begin, stop, seq, step in items.births(client, start, end)
        for clock in range(begin, stop)
    }


def inside(items: Items, unit: tuple[int, int]) -> bool:
    """Whether a unit went because of something else: with the type that it was in."""
    item = items.find(unit)
    assert item.parent is not None
    return (item.parent.item is not None and bool(item.parent.item.deaths)) or item.key is not None


def test_odd_edits_do_no_harm(seed: int) -> None:
    """Nothing that passes the gate breaks the past: every moment can be seen and restored, however
    oddly its structs refer to each other."""
    random = Random(seed)
    for document in corpus()[: SOAK or 12]:
        log = Log(log_of(document))
        mutator = Mutator(random, document.updates)
        for _ in range(60):
            with suppress(CollabError):
                news = log.state.admit(read_update(mutator.mutant()), partial=True).news
                if news is not None:
                    log.add(news.data)
        rows = len(log.rows)
        for seq in (random.randint(0, rows), rows // 2, 0):
            then = torn(contents(Moment(log.items, seq)))
            items_of([encode_moment(log.items, seq)])
            difference(log.items, *sorted((seq, random.randint(0, rows))), label=str)
            log.add(undo(log.items, random.sample(range(1, rows + 1), rows // 2)))
            log.add(inverse(log.items, seq))
            now = torn(contents(Moment(log.items, len(log.rows))))
            assert {name: now[name] for name in then} == then, (document, seq)
            assert not any(now[name] for name in now.keys() - then.keys())
        assert dump(load(dump(log.items))) == dump(log.items)


def torn(value: Any) -> Any:
    """A value in which nobody can tell whether a surrogate pair was torn."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(re.sub("[\U00010000-\U0010ffff]", "\ufffd\ufffd", text))


class TestSmallStories:
    """What an undo is, in bytes."""

    def test_nothing_to_do(self) -> None:
        """Going back to the present changes nothing, and neither does undoing no rows."""
        items = Log([typing(5, 0, "ab")]).items
        assert inverse(items, 1) == NOTHING == undo(items, ())

    def test_deleted_text_comes_back_behind_itself(self) -> None:
        """With the last deleted unit as its origin, the next one of the list as its right origin,
        and an id that is smaller than all others."""
        log = Log([typing(5, 0, "abc"), bytes.fromhex("00 01 05 01 01 01")])

        assert inverse(log.items, 1) == bytes.fromhex("01 01 04 00  c4 0501 0502 01 62  00")

    def test_types_in_types_in_types(self) -> None:
        """However deep, it can be deleted, compared and restored; what is shown ends somewhere."""
        arrays = b"".join(b"\x07\x00\x05" + var_uints(clock) + b"\x00" for clock in range(4_999))
        log = Log([b"\x01" + var_uints(5_000, 5, 0) + b"\x07\x01\x01a\x00" + arrays + b"\x00"])
        shown = contents(Moment(log.items, 1))
        log.add(bytes.fromhex("00 01 05 01 00 01"))
        assert contents(Moment(log.items, 2)) == {"a": []}
        assert difference(log.items, 1, 2, label=str)
        log.add(inverse(log.items, 1))
        assert contents(Moment(log.items, 3)) == shown
        assert inverse(log.items, 1) != NOTHING  # too deep to be compared
        assert dump(load(dump(log.items))) == dump(log.items)

    def test_back_once_more(self) -> None:
        """After a restore all is there under new ids. Going back again brings what is missing,
        not the whole text."""
        log = Log([typing(5, 0, "hello world"), bytes.fromhex("00 01 05 01 00 0b")])
        log.add(inverse(log.items, 1))
        assert contents(Moment(log.items, 3)) == {"t": "hello world"}
        log.add(bytes.fromhex("00 01 04 01 06 01"))  # the new "w" is deleted

        assert inverse(log.items, 1) == bytes.fromhex("01 01 03 00  c4 0405 0406 01 77  00")

    def test_later_rows_have_decided(self) -> None:
        """A key that somebody else has set since is theirs."""
        ann = bytes.fromhex("01 01 05 00  28 01 01 6d 01 6b 01 78  00")  # k = true
        bob = bytes.fromhex("01 01 06 00  a8 05 00 01 79  00")  # k = false
        log = Log([ann, bob])

        assert undo(log.items, [1]) == NOTHING
        log.add(undo(log.items, [2]))
        assert contents(Moment(log.items, 3)) == {"m": {"k": True}}

    def test_what_was_typed_into_a_deleted_type_comes_back_too(self) -> None:
        """Somebody typed into a text while somebody else deleted it."""
        made = bytes.fromhex(
            "01 02 05 00  07 01 01 61 02  04 00 05 00 01 61  00"
        )  # a = [Text("a")]
        deleted = bytes.fromhex("00 01 05 01 00 01")
        late = bytes.fromhex("01 01 06 00  84 05 01 01 62  00")  # "b" behind "a"
        log = Log([made, deleted, late])

        assert contents(Moment(log.items, 3)) == {"a": []}
        log.add(undo(log.items, [2]))
        assert contents(Moment(log.items, 4)) == {"a": ["ab"]}


def typing(client: int, clock: int, text: str) -> bytes:
    """The client's first words, in the root "t"."""
    return (
        bytes((1, 1, client, clock, 4, 1, 1)) + b"t" + bytes((len(text),)) + text.encode() + b"\0"
    )
