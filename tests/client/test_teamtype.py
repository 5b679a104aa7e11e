"""The revisions of the Teamtype protocol, told as stories; and at random, with an editor that does
what the protocol says, late."""

import os
from random import Random

import pytest
from pycrdt import Doc, Text

from collab.changes import Change, changes, moved, patched
from collab.client.copy import Copy, Draft, Reading
from collab.client.teamtype import OpenFile, offset, position, read_delta, shown
from collab.errors import ProtocolError

LETTERS = "ab\n é😀\r\N{CJK UNIFIED IDEOGRAPH-4E16}"


class Editor:
    """An editor as the protocol has it: it drops what is not meant for what it has."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.mine = self.theirs = 0
        self.sent: list[dict] = []
        self.waiting: list[dict] = []

    def type(self, start: int, end: int, words: str) -> None:
        """The user replaces a part."""
        place = {"start": position(self.text, start), "end": position(self.text, end)}
        delta = [{"range": place, "replacement": words}]
        self.sent.append({"revision": self.theirs, "delta": delta})
        self.text = patched(self.text, [Change(start, end, words)])
        self.mine += 1

    def hear(self) -> None:
        """The next message reaches it."""
        params = self.waiting.pop(0)["params"]
        if params["revision"] == self.mine:
            self.text = patched(self.text, read_delta(self.text, params["delta"]))
            self.theirs += 1


class Desk:
    """A document, an editor that has it open, and somebody far away who has it, too."""

    def __init__(self, words: str, buffer: str | None = None, *, here: bool = True) -> None:
        self.far, self.doc = Doc(client_id=1), Doc(client_id=2)
        self.far_text = self.far.get("content", type=Text)
        self.far_text += words
        self.doc.apply_update(self.far.get_update())
        self.editor = Editor(shown(words) if buffer is None else buffer)
        self.draft = Draft(self.editor.text, "content")
        self.file = OpenFile("file:///a", self.editor.text, self.draft)
        self.here = False
        if here:
            self.come()

    def come(self) -> None:
        """The document is here: before, the editor was alone."""
        self.here = True
        copy = Copy(self.doc.get_update(), "content")
        for update in copy.edit(self.draft.upon(shown(copy.text))):
            self.doc.apply_update(update)
        self.file.move(copy)
        text = self.doc.get("content", type=Text)
        self.reading = Reading(text)
        self.editor.waiting += self.file.again(self.reading.text)
        self.delta, self.mine = [], False
        told = text.observe(lambda event: setattr(self, "delta", event.delta))
        self.subscriptions = text, told, self.doc.observe(self.on_update)

    def on_update(self, event) -> None:
        delta, self.delta = self.delta, []
        made = self.reading.follow(delta)
        if not self.mine:
            self.editor.waiting += self.file.news(made, [event.update], self.reading.text)

    def deliver(self) -> None:
        """The editor's next edit reaches us."""
        edit = self.editor.sent.pop(0)
        if not self.here:
            self.file.edit(edit["revision"], edit["delta"])
            return
        self.mine = True
        for update in self.file.edit(edit["revision"], edit["delta"]):
            self.doc.apply_update(update)
        self.mine = False
        self.editor.waiting += self.file.again(self.reading.text)

    def far_edit(self, start: int, end: int, words: str) -> None:
        """Somebody far away replaces a part; it has not come here yet."""
        begin, stop = (len(str(self.far_text)[:at].encode()) for at in (start, end))
        with self.far.transaction():
            if stop > begin:
                del self.far_text[begin:stop]
            self.far_text.insert(begin, words)

    def arrive(self) -> None:
        """What far away has happened comes here, and the other way round."""
        self.doc.apply_update(self.far.get_update(self.doc.get_state()))
        self.far.apply_update(self.doc.get_update(self.far.get_state()))

    def settle(self) -> None:
        """Until nobody has anything to say."""
        while self.editor.sent or self.editor.waiting:
            while self.editor.sent:
                self.deliver()
            while self.editor.waiting:
                self.editor.hear()
        self.arrive()
        while self.editor.waiting:
            self.editor.hear()

    def agree(self) -> str:
        """The text that all have."""
        text = str(self.doc.get("content", type=Text))
        assert text == str(self.far_text) == Reading(self.far_text).text
        assert shown(text) == self.editor.text
        assert text == self.reading.text
        return text


def test_an_edit_that_came_too_late_is_made_anew() -> None:
    """The editor has typed meanwhile: it drops ours, and takes what we make of it then."""
    desk = Desk("hello")
    desk.far_edit(1, 1, "x")
    desk.arrive()
    desk.editor.type(2, 2, "y")
    desk.editor.hear()
    assert "heyllo" == desk.editor.text
    desk.deliver()
    [again] = desk.editor.waiting
    assert (1, "x") == (again["params"]["revision"], again["params"]["delta"][0]["replacement"])
    desk.settle()
    assert "hxeyllo" == desk.agree()


def test_what_the_editor_took_is_known_by_its_next_edit() -> None:
    """Only then; and all that it dropped is one edit."""
    desk = Desk("")
    for letter in "abc":
        desk.far_edit(len(desk.far_text), len(desk.far_text), letter)
        desk.arrive()
    desk.editor.hear()
    desk.editor.type(1, 1, "!")
    desk.editor.hear()
    desk.editor.hear()
    desk.deliver()
    assert ["bc"] == [m["params"]["delta"][0]["replacement"] for m in desk.editor.waiting]
    desk.settle()
    assert sorted("a!bc") == sorted(desk.agree())


def test_the_document_counts_and_the_editor_may_type_before_it_knows() -> None:
    """The buffer held another text; what is typed into it lands where it belongs."""
    desk = Desk("one two three\n", "one THREE\n")
    desk.editor.type(9, 9, "!")
    desk.settle()
    assert "one two three!\n" == desk.agree()


def test_the_document_may_come_late() -> None:
    """What the editor did alone is done in it, and deletes nothing that others have written."""
    desk = Desk("one 2 three four\n", "one three four\n", here=False)
    desk.editor.type(0, 14, "ONE")
    desk.deliver()
    desk.editor.type(3, 3, "!")
    desk.come()
    desk.settle()
    assert desk.agree() in ("ONE!2 \n", "2 ONE!\n")


def test_half_a_letter_is_no_text() -> None:
    """JSON can say it, documents cannot."""
    desk = Desk("hello")
    place = {"line": 0, "character": 0}
    delta = [{"range": {"start": place, "end": place}, "replacement": "\ud83d"}]
    with pytest.raises(ProtocolError):
        desk.file.edit(0, delta)


def test_what_is_no_line_to_documents_is_none_to_editors() -> None:
    """Carriage returns and nulls are shown, and stay as they are; an editor's own line ends are
    those of documents."""
    desk = Desk("a\r\nb\0c")
    assert "a\N{SYMBOL FOR CARRIAGE RETURN}\nb\N{SYMBOL FOR NULL}c" == desk.editor.text
    desk.editor.type(3, 3, "x\r\n")
    desk.deliver()
    assert "a\r\nx\nb\0c" == str(desk.doc.get("content", type=Text))


def test_pictures_stay() -> None:
    """A thing in a text is one character, which can be typed around and deleted."""
    desk = Desk("a😀b")
    desk.far_text.insert_embed(5, {"picture": 1})
    desk.arrive()
    desk.settle()
    assert "a😀\ufffcb" == desk.editor.text == desk.reading.text
    desk.editor.type(3, 3, "é")
    desk.settle()
    assert "a😀\ufffcéb" == desk.editor.text == Reading(desk.far_text).text
    desk.editor.type(2, 4, "")
    desk.settle()
    assert "a😀b" == desk.agree()


@pytest.mark.parametrize(
    "revision, delta",
    [
        (1, []),
        (-1, []),
        ("0", []),
        (0, "x"),
        (0, [{}]),
        (0, [{"range": {"start": {"line": 1, "character": 0}, "end": {}}, "replacement": ""}]),
    ],
)
def test_an_editor_out_of_step_is_not_believed(revision: object, delta: object) -> None:
    """It is told so, now and from then on; the document stays as it is."""
    desk = Desk("hello")
    with pytest.raises(ProtocolError):
        desk.file.edit(revision, delta)
    with pytest.raises(ProtocolError, match="open the file again"):
        desk.file.edit(0, [])
    assert "hello" == desk.agree()


def test_positions() -> None:
    """Lines end with a line feed, characters are code points; what is not there is refused."""
    text = "é😀\n\nx"
    for at in range(len(text) + 1):
        assert at == offset(text, position(text, at))
    for line, character in ((0, 3), (1, 1), (2, 2), (3, 0), (-1, 0), (0, -1)):
        with pytest.raises(ProtocolError):
            offset(text, {"line": line, "character": character})
    twice = [Change(0, 2, ""), Change(1, 3, "")]
    delta = [
        {"range": {"start": position(text, s), "end": position(text, e)}, "replacement": w}
        for s, e, w in twice
    ]
    with pytest.raises(ProtocolError, match="overlap"):
        read_delta(text, delta)


def test_all_orders_end_in_one_text(seed: int) -> None:
    """Whoever types, and whenever a message comes: the same text everywhere, nothing lost."""
    for round_ in range(2000 if os.environ.get("QUIRE_SOAK") else 150):
        random = Random(f"{seed} {round_}")
        words = "".join(random.choices(LETTERS, k=random.randrange(12)))
        buffer = "".join(random.choices("ab\n", k=5)) if random.random() < 0.3 else None
        desk = Desk(words, buffer, here=False)
        marks = words.count("<")
        for _ in range(random.randrange(40)):
            text = desk.editor.text
            if not desk.here and random.random() < 0.3:
                desk.come()
            match random.randrange(5 if desk.here else 4):
                case 0:
                    start = random.randint(0, len(text))
                    end = random.randint(start, min(start + 3, len(text)))
                    typed = "".join(random.choices("xy\n😀", k=random.randrange(3)))
                    if (end > start or typed) and "<" not in text[start:end]:
                        desk.editor.type(start, end, typed)
                case 1 if desk.editor.sent:
                    desk.deliver()
                case 2 if desk.editor.waiting:
                    desk.editor.hear()
                case 3:
                    far = str(desk.far_text)
                    start = random.randint(0, len(far))
                    end = random.randint(start, min(start + 3, len(far)))
                    if "<" not in far[start:end]:
                        marks += 1
                        desk.far_edit(start, end, "<" + random.choice(LETTERS))
                case 4:
                    desk.arrive()
        if not desk.here:
            desk.come()
        desk.settle()
        assert marks == desk.agree().count("<"), f"round {round_}"


def test_moved_follows_changes(seed: int) -> None:
    """A position that nothing was written at stays with its character."""
    random = Random(seed)
    for _ in range(300):
        old = "".join(random.choices("abc", k=random.randrange(20)))
        new = "".join(random.choices("abc", k=random.randrange(20)))
        made = list(changes(old, new))
        assert new == patched(old, made)
        for at in range(len(old)):
            if not any(start <= at <= end for start, end, _ in made):
                assert old[at] == new[moved(at, made)]
            assert 0 <= moved(at, made) <= len(new)
