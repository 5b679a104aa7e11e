"""What is tried with any bytes at all: one function for each reader of ours.

`tests/guided.py` looks for bytes that break one, by coverage; `tests/test_harnesses.py` tries those
that once did, and a few random ones. A harness returns whatever the bytes are, or raises when a
promise is broken. `SEEDS` are genuine bytes of each kind, to begin from.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice

from collab import hocuspocus, tiptap
from collab.access import OURS
from collab.awareness import read_awareness, read_user
from collab.errors import CollabError, ProtocolError, TooBig
from collab.fold import fold
from collab.past import shelf
from collab.past.items import Items
from collab.reader import Reader, var_uints
from collab.room import Room
from collab.session import Session
from collab.state import State
from collab.storage import Update, segments
from collab.update import encode_state_vector, read_state_vector, read_update
from collab.web.frames import Fault, Message, MessageReader
from collab.wire import Denied, decode, encode
from tests import hostile
from tests.collab.genuine import corpus, whole, yrs
from tests.live import STEP1, STEP2, var_bytes

NOW = 1_800_000_000.0
SIZE = 1 << 12  # of the messages that a reader of frames takes here
TOGETHER = 200  # documents that one process of yrs looks at
REFUSED = (ProtocolError, TooBig)


def update(data: bytes) -> State | None:
    """What the gate lets in is one document in each form that we store or send."""
    state = State()
    try:
        news, _ = state.admit(read_update(data), partial=True)
    except REFUSED:
        return None
    if news is None:
        return None
    state.enter(news)
    encoded = state.encode()
    again, missing = State().admit(read_update(encoded), partial=False)
    assert again is not None and not missing
    folded, index = fold(encoded)
    for form in (State.load(encoded, state.index()), State.load(folded, index)):
        assert (form.vector, form.deletes) == (state.vector, state.deletes)
    assert read_state_vector(encode_state_vector(state.vector)) == state.vector
    return state


_accepted: list[bytes] = []


def engine(data: bytes) -> None:
    """What the gate lets in, yrs opens, and has as much of it as we. In a process of its own, and
    for many at once: it may crash there."""
    state = update(data)
    if state is None:
        return
    _accepted.append(state.encode())
    if len(_accepted) >= TOGETHER:
        ask_yrs()


def ask_yrs() -> None:
    """Looks at the documents that `engine` has gathered, unless yrs refuses one. AssertionError
    names one that is read otherwise, or all of them when they end the process."""
    ours, _accepted[:] = _accepted[:], []
    try:
        theirs = list(yrs([[document] for document in ours]))
    except AssertionError as error:
        if "Cannot apply update" in str(error):
            return  # it refuses one of them, and says so: that harms nobody
        raise AssertionError(f"yrs fails on one of {[d.hex() for d in ours]}: {error}") from None
    for one, other in zip(ours, theirs, strict=True):
        if max(one) >= 0xF0:  # where a delete tears a surrogate pair, yrs 0.28 loses half of it
            continue
        assert _ends(other) == _ends(one), one.hex()


def vector(data: bytes) -> None:
    """A state vector that is read is written as the same one."""
    with contextlib.suppress(*REFUSED):
        read = read_state_vector(data)
        assert read_state_vector(encode_state_vector(read)) == read


def messages(data: bytes) -> None:
    """The messages of a frame, written again one by one, are the same."""
    with contextlib.suppress(*REFUSED):
        for message in decode(data):
            assert not isinstance(message, Denied)
            assert list(decode(encode(message))) == [message]


def awareness(data: bytes) -> None:
    """Presences can be read, and shown to others as one update."""
    with contextlib.suppress(*REFUSED):
        for _, _, state in read_awareness(data):
            read_user(state)


def session(data: bytes) -> None:
    """A session takes frames, or says what is wrong with them, and what it says can be read.

    The data are frames, each with its length before it; two sessions send them in turn."""
    room = Room("notes", State(), 0)
    sessions = [Session(room, OURS, lambda: None) for _ in range(2)]
    room.sessions.update(sessions)
    for number, frame in enumerate(_pieces(data)):
        one = sessions[number % 2]
        try:
            for message in decode(frame):
                one.receive(message, NOW + number)
        except CollabError:
            break
        if room.pending:
            room.take()
            room.commit(room.seq + len(room.writing))
        for other in sessions:
            for said in islice(iter(other.next_message, None), 100):
                list(decode(encode(said)))


def addressed(data: bytes) -> None:
    """Any frame at all where it says its document; and what it says beside that."""
    with contextlib.suppress(*REFUSED):
        message = hocuspocus.decode(hocuspocus.split(data)[1])
        if isinstance(message, hocuspocus.Stateless):
            tiptap.read(message.text)


def frames(data: bytes) -> None:
    """In whatever pieces bytes come, they are the same messages, and the same fault."""
    whole_ = _frames([data])
    assert _frames([data[: len(data) // 2], data[len(data) // 2 :]]) == whole_
    assert _frames(data[at : at + 1] for at in range(len(data))) == whole_


def shelved(data: bytes) -> None:
    """A shelf is read, or it is a ValueError and nothing else: then the rows are read again."""
    with contextlib.suppress(ValueError):
        shelf.load(data)


def past(data: bytes) -> None:
    """The past of what the gate lets in comes back from its shelf as it was."""
    state = update(data)
    if state is None:
        return
    items = Items()
    items.enter(1, state.encode())
    dumped = shelf.dump(items)
    assert shelf.dump(shelf.load(dumped)) == dumped


def packed(data: bytes) -> None:
    """Rows come back from a segment, whatever is in them. The data are their contents, each with
    its length before it; times and authors are made of these."""
    rows = []
    seq = 0
    for number, piece in enumerate(islice(_pieces(data), segments.ROWS)):
        seq += 1 + (piece[:1] == b"\xff") * number
        time = int.from_bytes(piece[:8], signed=True)
        rows.append(Update("doc", seq, time, piece[:3].decode("latin-1").replace("\0", ""), piece))
    if rows:
        moments = segments.read_moments(segments.write_moments(rows, 1), 1)
        contents = segments.read_contents(segments.write_contents(rows))
        assert rows == [Update("doc", *row) for row in zip(*moments, contents, strict=True)]


def _ends(document: bytes) -> dict[int, int]:
    """How far each client's edits go."""
    return {block.client: block.end for block in read_update(document).blocks}


def _pieces(data: bytes) -> Iterator[bytes]:
    reader = Reader(data)
    with contextlib.suppress(ProtocolError):
        while not reader.at_end:
            yield reader.var_bytes()


def _frames(pieces: Iterable[bytes]) -> tuple[list[Message], int | None]:
    reader = MessageReader(lambda size: SIZE, 8)
    read: list[Message] = []
    try:
        for piece in pieces:
            reader.feed(piece)
            read += iter(reader.next_message, None)
    except Fault as fault:
        return read, fault.code
    return read, None


HARNESSES: dict[str, Callable[[bytes], object]] = {
    harness.__name__: harness
    for harness in (
        update, engine, vector, messages, addressed, awareness, session, frames, shelved, past,
        packed,
    )
}  # fmt: skip


@cache
def seeds(name: str) -> list[bytes]:
    """Genuine bytes for a harness, none of them long."""
    documents = corpus()
    updates = [update for document in documents for update in document.updates[:40:5]]
    match name:
        case "vector":
            return [encode_state_vector(whole(document).vector) for document in documents[:20]]
        case "awareness":
            return [hostile.awareness(*some)[2:] for some in _presences()]
        case "messages":
            found = [b"\x00\x02" + var_bytes(update) for update in updates[:40]]
            found += [hostile.awareness(*some) for some in _presences()]
            found += [b"\x03" + hostile.awareness(*some)[1:] for some in _presences()]  # y-sweet's
            return [*found, STEP1 + STEP2, b"\x03", b"\x66\x01\x07"]
        case "addressed":
            notes = hocuspocus.prefix("notes")
            said = [
                '{"action":"version.create","name":"Zoë"}',
                '{"action":"document.revert","version":3,"newVersionName":false}',
            ]
            found = [notes + b"\x05" + var_bytes(text.encode()) for text in said]
            bodies = [b"\x02\x00\x03tok\x054.8.0", b"\x07", STEP1, b"\x01\x01\x00"]
            return [*found, *(notes + body for body in bodies), b"\x0a"]
        case "session":
            return [_story(document.updates[:6]) for document in documents[:30]]
        case "frames":
            return [
                hostile.frame(b"abc") + hostile.frame(b"", 9),
                hostile.frame(b"a", final=False) + hostile.frame(b"b", 0) + hostile.frame(b"c", 1),
                hostile.frame(bytes(300)),
                hostile.frame(b"\x03\xe8bye", 8),
            ]
        case "shelved":
            return [shelf.dump(items_of(document.updates[:12])) for document in documents[:30]]
        case "packed":
            return [b"".join(map(var_bytes, d.updates[:20])) for d in documents[:20]]
    return updates


def _presences() -> list[list[tuple[int, int, bytes]]]:
    user = json.dumps({"user": {"name": "Zoë", "color": "#aabbcc"}, "cursor": None}).encode()
    return [[(7, 1, user)], [(7, 2, b"null")], [(7, 1, user), (2**32 - 1, 99, b"{}")]]


def _story(updates: list[bytes]) -> bytes:
    said = [STEP1 + STEP2, STEP1 + STEP2, hostile.awareness((7, 1, b'{"user":{"name":"A"}}'))]
    said += [b"\x00\x02" + var_bytes(update) for update in updates]
    return b"".join(map(var_bytes, [*said, b"\x66" + var_bytes(var_uints(3)), b"\x03"]))


def items_of(updates: list[bytes]) -> Items:
    items = Items()
    for seq, row in enumerate(updates, 1):
        items.enter(seq, row)
    return items
