"""Carets: positions in a text that stay with their characters, as Yjs's bindings tell each other.

A caret in a presence is {"anchor": position, "head": position}, each a relative position as Yjs
writes it in JSON: the id of the character after it, or the root's name at the text's end.

yrs counts bytes where ids count UTF-16 units, so that behind the first letter that is not ASCII its
relative positions are those of other characters. Ids are all that matters here: so a shadow of the
document is kept, whose structs are the same but whose texts are as many letters "a" as they have
units. There a byte is a unit. It also takes the blow of a position that pycrdt panics at.
"""

import logging
from typing import Any

from pycrdt import Assoc, Doc, StickyIndex, Text

from collab.blocks import encode_blocks
from collab.content import STRING
from collab.reader import var_uints
from collab.update import REF, TRUSTED, Block, read_state_vector, read_struct, read_update

logger = logging.getLogger(__name__)


class Carets:
    """The shadow of a document's text `root`: `follow` it with every update of the document."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._doc: Doc[Any] = Doc(skip_gc=True)
        self._text = self._doc.get(root, type=Text)

    def follow(self, update: bytes) -> None:
        """What the document got: it connects. Raises nothing: if there is anything wrong with it,
        there are no carets, and all else goes on."""
        try:
            self._doc.apply_update(shadow(update))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            logger.warning("carets cannot follow the document", exc_info=True)

    def position(self, text: str, at: int) -> dict[str, Any]:
        """The relative position of a place in the text, which counts characters."""
        unit = units(text[:at])
        if unit >= len(self._text):
            return {"type": None, "tname": self._root, "item": None, "assoc": 0}
        item = self._text.sticky_index(unit, Assoc.AFTER).to_json()["item"]
        return {"type": None, "tname": None, "item": item, "assoc": 0}

    def place(self, text: str, position: object) -> int | None:
        """Where in the text a relative position is that somebody tells; None if it is nowhere."""
        match position:
            case {"item": {"client": int(client), "clock": int(clock)}}:
                unit = self._find(client, clock)
            case {"tname": self._root}:
                return len(text)
            case _:
                return None
        return None if unit is None else _characters(text, unit)

    def _find(self, client: int, clock: int) -> int | None:
        """The unit that has this id now, or the next one; None when there is no such id here."""
        known = read_state_vector(self._doc.get_state()).get(client, 0)
        if not 0 <= clock < known:
            return None
        sticky = {"item": {"client": client, "clock": clock}, "assoc": 0}
        try:
            return StickyIndex.from_json(sticky, self._text).get_index()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # pycrdt's PanicException: an id that is of no text
            return None


def units(text: str) -> int:
    """How many UTF-16 units a text has."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _characters(text: str, unit: int) -> int:
    """How many characters the first units of a text are."""
    data = text.encode("utf-16-le", "surrogatepass")[: 2 * unit]
    return len(data.decode("utf-16-le", "replace"))


def shadow(update: bytes) -> bytes:
    """The update with letters "a" in place of its texts: as many as they have units."""
    changes = read_update(update, TRUSTED)
    return encode_blocks(map(_shadowed, changes.blocks), changes.deletes)


def _shadowed(block: Block) -> Block:
    data, parts, at = block.data, [], 0
    for _ in range(block.count):
        struct = read_struct(data, at)
        if struct.info & REF == STRING:
            parts += [data[at : struct.content], var_uints(struct.units), b"a" * struct.units]
        else:
            parts.append(data[at : struct.end])
        at = struct.end
    return block._replace(data=b"".join(parts))
