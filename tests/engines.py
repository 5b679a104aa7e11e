"""Where the editors' documents live while schedules are played: in pycrdt, or in Node with Yjs.

Both do the commands of `tests.schedule`. `play` plays many schedules in lockstep, so that a process
next door costs one round trip for all of them.
"""

import base64
import json
import subprocess
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, Protocol

from pycrdt import Array, Doc, Map, Text, TransactionEvent, XmlElement, XmlFragment, XmlText

from tests.collab.genuine import NODE, need_node
from tests.schedule import Command, Schedule

EMPTY = b"\x00"


class Diverged(AssertionError):
    """A schedule broke a promise; says how to replay it."""


class Engine(Protocol):
    """Does the commands of several schedules, one of each."""

    def begin(self, seed: int) -> None: ...
    def end(self, seed: int) -> None: ...
    def do(self, commands: Sequence[tuple[int, Command]]) -> list[Any]: ...


def play(engine: Engine, schedules: Iterable[Schedule]) -> list[Any]:
    """Play schedules in lockstep; what each agrees on. Diverged at the first that does not."""
    running = {schedule.seed: schedule.play() for schedule in schedules}
    answers: dict[int, Any] = {}
    results = []
    for seed in running:
        engine.begin(seed)
        answers[seed] = None
    while running:
        commands = []
        for seed, moves in list(running.items()):
            try:
                commands.append((seed, moves.send(answers[seed])))
            except StopIteration as stop:
                results.append(stop.value)
                engine.end(seed)
                del running[seed]
            except Exception as error:
                raise Diverged(f"replay with QUIRE_SEED={seed}: {error!r}") from error
        told = engine.do(commands) if commands else []
        for (seed, _), answer in zip(commands, told, strict=True):
            answers[seed] = answer
    return results


class Yjs:
    """Node with real Yjs (tests/node/editors.mjs); use as a context manager."""

    def __enter__(self) -> "Yjs":
        need_node()
        self.process = subprocess.Popen(
            ["node", NODE / "editors.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def begin(self, seed: int) -> None:
        self._ask([[seed, "begin"]])

    def end(self, seed: int) -> None:
        self._ask([[seed, "end"]])

    def do(self, commands: Sequence[tuple[int, Command]]) -> list[Any]:
        return [_decoded(answer) for answer in self._ask([(s, *c) for s, c in commands])]

    def _ask(self, commands: object) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(commands, default=_encoded).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the Node process has ended"
        return json.loads(line)


def _encoded(value: object) -> object:
    assert isinstance(value, bytes)
    return {"b": base64.b64encode(value).decode()}


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["b"])
    return [_decoded(item) for item in value] if isinstance(value, list) else value


class Yrs:
    """pycrdt, in this very process."""

    def __init__(self) -> None:
        self.docs: dict[int, dict[int, _Document]] = {}

    def begin(self, seed: int) -> None:
        self.docs[seed] = {}

    def end(self, seed: int) -> None:
        del self.docs[seed]

    def do(self, commands: Sequence[tuple[int, Command]]) -> list[Any]:
        return [self._do(seed, *command) for seed, command in commands]

    def _do(self, seed: int, command: str, *arguments: Any) -> Any:
        if command == "show":
            shown = _Document(1, Random(0))
            for update in arguments[0]:
                shown.apply(update)
            return shown.content()
        client, *rest = arguments
        if command == "join":
            self.docs[seed][client] = _Document(client, Random(seed << 32 | client))
            return None
        return getattr(self.docs[seed][client], command)(*rest)


class _Document:
    """One editor's document, and random honest edits of it."""

    def __init__(self, client: int, dice: Random) -> None:
        self.dice = dice
        self.doc: Doc[Any] = Doc(client_id=client)
        self.text = self.doc.get("t", type=Text)
        self.map = self.doc.get("m", type=Map)
        self.array = self.doc.get("a", type=Array)
        self.xml = self.doc.get("x", type=XmlFragment)
        self.own: list[bytes] = []
        self.applying = False
        self.subscription = self.doc.observe(self._changed)

    def edit(self) -> list[bytes]:
        """One random transaction; the updates that it made."""
        with self.doc.transaction():
            for _ in range(self.dice.choice((1, 1, 1, 3))):
                edits = (self._edit_text, self._edit_map, self._edit_array, self._edit_xml)
                self.dice.choice(edits)()
        own, self.own = self.own, []
        return own

    def apply(self, update: bytes) -> list[bytes]:
        self.applying = True
        self.doc.apply_update(update)
        self.applying = False
        return []

    def vector(self) -> bytes:
        return self.doc.get_state()

    def update(self, vector: bytes) -> bytes:
        return self.doc.get_update(vector)

    def content(self) -> list[Any]:
        """What it shows, and whether it waits for something (yrs does not say)."""
        shown = [self.text.diff(), self.map.to_py(), self.array.to_py(), str(self.xml)]
        return [json.dumps(shown, sort_keys=True, default=str), False]

    def _changed(self, event: TransactionEvent) -> None:
        if not self.applying and event.update != b"\x00\x00":
            self.own.append(event.update)

    def _value(self) -> Any:
        values = (self.dice.randrange(1000), "word", True, None, 1.5, {"k": [1, {}]}, [[], "é"])
        return self.dice.choice(values)

    def _nested(self) -> Any:
        kind = self.dice.randrange(3)
        if kind == 0:
            return Map({"k": self._value()})
        return Array([self._value(), self._value()]) if kind == 1 else Text("inner")

    def _edit_text(self) -> None:
        text, size = self.text, len(self.text)
        at = self.dice.randint(0, size)
        end = min(size, at + self.dice.randrange(6))
        roll = self.dice.random()
        if roll < 0.6 or end == at:
            bold = {"bold": True} if self.dice.random() < 0.2 else None
            text.insert(at, self.dice.choice(("a", "bc", "hello ", "\n")), bold)
        elif roll < 0.8:
            del text[at:end]
        else:
            text.format(at, end, self.dice.choice(({"bold": True}, {"bold": None}, {"i": "x"})))

    def _edit_map(self) -> None:
        key = self.dice.choice(("k", "title", "é"))
        if key in self.map and self.dice.random() < 0.2:
            del self.map[key]
            return
        inner = self.map.get(key)
        if isinstance(inner, Text) and self.dice.random() < 0.5:
            inner += "more"
        elif isinstance(inner, Array) and self.dice.random() < 0.5:
            inner.append(self._value())
        else:
            self.map[key] = self._nested() if self.dice.random() < 0.3 else self._value()

    def _edit_array(self) -> None:
        at = self.dice.randint(0, len(self.array))
        if at < len(self.array) and self.dice.random() < 0.35:
            del self.array[at]
        else:
            value = self._nested() if self.dice.random() < 0.3 else self._value()
            self.array.insert(at, value)

    def _edit_xml(self) -> None:
        children = self.xml.children
        at = self.dice.randint(0, len(children))
        roll = self.dice.random()
        element = children[at] if at < len(children) else None
        if element is not None and roll < 0.2:
            del children[at]
        elif isinstance(element, XmlElement) and roll < 0.5:
            element.attributes["level"] = self.dice.choice("123")
        elif isinstance(element, XmlText) and roll < 0.6:
            element.insert(0, "words ")
        else:
            new = XmlText("text") if self.dice.random() < 0.4 else XmlElement("p")
            children.insert(at, new)
