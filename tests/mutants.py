"""Genuine Yjs updates made wrong: on the level of structs, so that most of them get past the first
byte. A reader and a writer of updates of their own, for the tests must not lean on what they test.

    Mutator(dice, updates).mutant() -> bytes
"""

from dataclasses import dataclass, field
from random import Random

from collab.reader import Reader, var_uints
from tests.live import var_bytes

ORIGIN, RIGHT, KEY = 0x80, 0x40, 0x20
Id = tuple[int, int]


@dataclass
class Struct:
    """One struct as its bytes say; `content` is kept as it is."""

    info: int
    origin: Id | None = None
    right: Id | None = None
    root: bytes | None = None
    parent: Id | None = None
    key: bytes | None = None
    content: bytes = b""

    def encode(self) -> bytes:
        ref = self.info & 0x1F
        if self.info in (0, 10):
            return bytes((self.info,)) + self.content
        info = ref | ((self.origin and ORIGIN) or 0) | ((self.right and RIGHT) or 0)
        data = bytearray((info | (KEY if self.key is not None else 0),))
        for identity in (self.origin, self.right):
            if identity:
                data += var_uints(*identity)
        if not self.origin and not self.right:
            named = self.parent is None
            data += var_uints(1) + var_bytes(self.root or b"t") if named else b""
            data += var_uints(0, *self.parent) if self.parent is not None else b""
            data += var_bytes(self.key) if self.key is not None else b""
        return bytes(data) + self.content


@dataclass
class Update:
    """An update taken apart: clients as [id, clock, structs], deletes as [id, ranges]."""

    clients: list[tuple[int, int, list[Struct]]] = field(default_factory=list)
    deletes: list[tuple[int, list[tuple[int, int]]]] = field(default_factory=list)

    def encode(self, lies: tuple[int, int] = (0, 0)) -> bytes:
        """The bytes; `lies` are added to the number of clients and to that of structs."""
        data = bytearray(var_uints(max(0, len(self.clients) + lies[0])))
        for client, clock, structs in self.clients:
            data += var_uints(max(0, len(structs) + lies[1]), client, clock)
            for struct in structs:
                data += struct.encode()
        data += var_uints(len(self.deletes))
        for client, ranges in self.deletes:
            data += var_uints(client, len(ranges), *(number for pair in ranges for number in pair))
        return bytes(data)


def parse(data: bytes) -> Update:
    """A genuine update."""
    reader, update = Reader(data), Update()
    for _ in range(reader.var_uint()):
        count, client, clock = reader.var_uint(), reader.var_uint(), reader.var_uint()
        update.clients.append((client, clock, [_struct(reader) for _ in range(count)]))
    for _ in range(reader.var_uint()):
        client, count = reader.var_uint(), reader.var_uint()
        ranges = [(reader.var_uint(), reader.var_uint()) for _ in range(count)]
        update.deletes.append((client, ranges))
    return update


def _struct(reader: Reader) -> Struct:
    struct = Struct(reader.u8())
    if struct.info not in (0, 10):
        if struct.info & ORIGIN:
            struct.origin = reader.var_uint(), reader.var_uint()
        if struct.info & RIGHT:
            struct.right = reader.var_uint(), reader.var_uint()
        if not struct.info & (ORIGIN | RIGHT):
            if reader.var_uint() == 1:
                struct.root = reader.var_bytes()
            else:
                struct.parent = reader.var_uint(), reader.var_uint()
            if struct.info & KEY:
                struct.key = reader.var_bytes()
        elif struct.info & KEY:
            struct.key = b""
    begin = reader.position
    _skip(reader, struct.info & 0x1F)
    struct.content = reader.data[begin : reader.position]
    return struct


def _skip(reader: Reader, ref: int) -> None:
    if ref in (0, 1, 10):
        reader.var_uint()
    elif ref in (3, 4, 5):
        reader.var_bytes()
    elif ref == 6:
        reader.var_bytes(), reader.var_bytes()
    elif ref == 7:
        if reader.var_uint() in (3, 5):
            reader.var_bytes()
    elif ref == 8:
        for _ in range(reader.var_uint()):
            _skip_any(reader)
    elif ref == 9:
        reader.var_bytes()
        _skip_any(reader)


def _skip_any(reader: Reader) -> None:
    tag = reader.u8()
    if tag in (116, 119):
        reader.var_bytes()
    elif tag == 125:
        while reader.u8() & 0x80:
            pass
    elif tag in (122, 123, 124):
        reader.position += 4 if tag == 124 else 8
    elif tag in (117, 118):
        for _ in range(reader.var_uint()):
            if tag == 118:
                reader.var_bytes()
            _skip_any(reader)


class Mutator:
    """Makes mutants of a document's updates, mostly of those that come next."""

    def __init__(self, dice: Random, updates: list[bytes]) -> None:
        self.dice = dice
        self.updates = updates
        self.at = 0  # those before are known
        self.ids: list[Id] = []  # that are known
        self.advance()

    def advance(self) -> bytes:
        """The next update as it is; the ids in it can be referred to from now on."""
        update = self.updates[min(self.at, len(self.updates) - 1)]
        self.at += 1
        for client, clock, structs in parse(update).clients:
            self.ids += [(client, clock + n) for n in range(len(structs))]
        return update

    def choose(self) -> bytes:
        """An update to make a mutant of."""
        soon = self.updates[self.at : self.at + 4]
        return self.dice.choice(soon if soon and self.dice.random() < 0.8 else self.updates)

    def mutant(self) -> bytes:
        """One or several things are wrong with it; now and then nothing."""
        dice = self.dice
        update = parse(self.choose())
        for _ in range(dice.choice((1, 1, 1, 2, 4))):
            dice.choice(self.CHANGES)(self, update)
        lies = (0, 0)
        if dice.random() < 0.04:
            lies = dice.choice(((1, 0), (-1, 0), (0, 1), (0, -1), (2**33, 0), (0, 2**40)))
        data = update.encode(lies)
        return self.bytewise(bytearray(data)) if dice.random() < 0.12 else data

    def bytewise(self, data: bytearray) -> bytes:
        """Bytes flipped, cut out, put in, cut off, or nothing but noise."""
        dice = self.dice
        at = dice.randrange(len(data))
        match dice.randrange(6):
            case 0:
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                del data[at : at + dice.randint(1, 4)]
            case 2:
                data[at:at] = dice.randbytes(dice.randint(1, 4))
            case 3:
                del data[at:]
            case 4:
                data[at:at] = b"\xff" * dice.randint(1, 12)
            case 5:
                data = bytearray(dice.randbytes(dice.randint(0, 60)))
        return bytes(data)

    # What can be wrong

    def number(self) -> int:
        return self.dice.choice((0, 1, 2, 63, 127, 128, 2**31 - 1, 2**31, 2**32, 2**53 - 1, 2**53))

    def identity(self) -> Id:
        client, clock = self.dice.choice(self.ids)
        roll = self.dice.random()
        if roll < 0.7:
            return client, clock
        if roll < 0.85:
            return client, max(0, clock + self.dice.randint(-3, 3))
        return self.dice.choice(((client, self.number()), (self.number(), clock), (7, 7)))

    def place(self, update: Update) -> tuple[int, int] | None:
        """Some struct of the update: (place of its client, place among its structs)."""
        full = [n for n, (_, _, structs) in enumerate(update.clients) if structs]
        if not full:
            return None
        which = self.dice.choice(full)
        return which, self.dice.randrange(len(update.clients[which][2]))

    def struct(self, update: Update) -> Struct:
        place = self.place(update)
        return update.clients[place[0]][2][place[1]] if place else Struct(0, content=b"\x01")

    def change_link(self, update: Update) -> None:
        struct = self.struct(update)
        what = self.dice.randrange(5)
        if what == 0:
            struct.origin = self.identity()
        elif what == 1:
            struct.right = self.identity()
        elif what == 2:
            struct.origin = struct.right = self.identity()
        elif what == 3:
            struct.origin = struct.right = None
            struct.parent = self.identity()
        else:
            struct.origin, struct.right = struct.right, struct.origin

    def change_parent(self, update: Update) -> None:
        struct = self.struct(update)
        struct.origin = struct.right = None
        struct.parent = None if self.dice.random() < 0.3 else self.identity()
        struct.root = self.dice.choice((b"t", b"m", b"a", b"x", b"", b"\xff", b"new", b"__proto__"))

    def change_key(self, update: Update) -> None:
        struct = self.struct(update)
        struct.key = self.dice.choice((None, b"k", b"", b"\xed\xa0\x80", b"constructor"))

    def change_content(self, update: Update) -> None:
        struct = self.struct(update)
        ref = self.dice.choice((0, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8, 9, 10, 11, 31))
        struct.info = struct.info & ~0x1F | ref if ref not in (0, 10) else ref
        struct.content = self.content(ref)

    def content(self, ref: int) -> bytes:
        dice = self.dice
        text = dice.choice((b"a", b"words", b"", "né😀".encode(), b"\xff", b"\xed\xa0\x80"))
        json = dice.choice(
            (b"null", b"1", b'{"a":[1]}', b"{", b"NaN", b"[" * 70 + b"]" * 70, b'"\\ud800"')
        )
        if ref in (0, 1, 10):
            return var_uints(dice.choice((0, 1, 2, 5, 2**31 - 1, 2**31, 2**53 - 1)))
        if ref == 6:
            return var_bytes(text) + var_bytes(json)
        if ref == 7:
            kind = dice.choice((0, 1, 2, 3, 4, 5, 6, 7, 15))
            return var_uints(kind) + (var_bytes(text) if kind in (3, 5) else b"")
        if ref == 8:
            count = dice.choice((0, 1, 2, 3))
            return var_uints(count) + b"".join(self.any(0) for _ in range(count))
        if ref == 9:
            return var_bytes(text) + self.any(0)
        return var_bytes(json if ref == 5 else text)

    def any(self, depth: int) -> bytes:
        dice = self.dice
        tag = dice.choice((116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 115, 200))
        if tag in (117, 118):
            if dice.random() < 0.05:
                return bytes((tag, 1)) * dice.choice((60, 70, 3_000)) + b"\x7e"
            count = dice.randrange(3) if depth < 4 else 0
            key = b"\x01k" if tag == 118 else b""
            return bytes((tag, count)) + b"".join(key + self.any(depth + 1) for _ in range(count))
        size = {116: 0, 119: 0, 122: 8, 123: 8, 124: 4}.get(tag)
        if tag in (116, 119):
            return bytes((tag,)) + var_bytes(dice.randbytes(dice.randrange(4)))
        if tag == 125:
            return b"\x7d" + dice.choice((b"\x01", b"\x41", b"\xbf\x7f", b"\xff" * 9 + b"\x01"))
        return bytes((tag,)) + dice.randbytes(size or 0)

    def change_clock(self, update: Update) -> None:
        place = self.place(update)
        if place:
            client, clock, structs = update.clients[place[0]]
            clock = self.dice.choice((clock + 1, max(0, clock - 1), 0, clock + 50, self.number()))
            update.clients[place[0]] = (client, clock, structs)

    def change_client(self, update: Update) -> None:
        place = self.place(update)
        if place:
            _, clock, structs = update.clients[place[0]]
            client = self.dice.choice((self.dice.choice(self.ids)[0], self.number()))
            update.clients[place[0]] = (client, clock, structs)

    def skip_some(self, update: Update) -> None:
        place = self.place(update)
        if place:
            structs = update.clients[place[0]][2]
            skip = Struct(10, content=var_uints(self.dice.choice((0, 1, 3, 2**31))))
            structs.insert(self.dice.randint(0, len(structs)), skip)

    def repeat(self, update: Update) -> None:
        place = self.place(update)
        if place:
            structs = update.clients[place[0]][2]
            struct = structs[place[1]]
            structs[place[1] : place[1] + 1] = [struct] * self.dice.choice((0, 2, 3, 40))

    def splice(self, update: Update) -> None:
        other = parse(self.choose())
        update.clients += other.clients
        update.deletes += other.deletes
        self.dice.shuffle(update.clients)

    def change_deletes(self, update: Update) -> None:
        client = self.dice.choice((self.dice.choice(self.ids)[0], self.number()))
        clocks = (0, 1, 2, 3, 5, 8, 30, 100, 2**31 - 1, 2**53 - 1)
        ranges = [
            (self.dice.choice(clocks), self.dice.choice((0, 1, 1, 2, 4, 2**31, 2**53 - 1)))
            for _ in range(self.dice.choice((0, 1, 1, 3, 20)))
        ]
        update.deletes.append((client, ranges))

    CHANGES = (
        change_link,
        change_link,
        change_link,
        change_parent,
        change_key,
        change_content,
        change_content,
        change_clock,
        change_client,
        skip_some,
        repeat,
        splice,
        change_deletes,
        change_deletes,
    )
