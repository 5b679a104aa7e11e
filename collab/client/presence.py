"""Who else has the document open, as the server tells it. Keeps no clock and sends nothing."""

import json
from collections.abc import Mapping
from typing import Any

from collab.presence import read_awareness
from collab.reader import write_var_string, write_var_uint


class Others:
    """`states`: client id -> what that client's editor says of it, usually with a "user" (name and
    color) and a "cursor". One's own id is never among them."""

    def __init__(self, own: int) -> None:
        self.states: dict[int, dict[str, Any]] = {}
        self._own = own
        self._clocks: dict[int, int] = {}

    def receive(self, update: bytes) -> bool:
        """Takes an awareness update. True when anybody has changed; ProtocolError when it is none.
        A state that is no JSON object is passed over: it is another client's fault."""
        changed = False
        for client, clock, data in read_awareness(update):
            known = self._clocks.get(client, -1)
            if client == self._own or clock < known or (clock == known and data != b"null"):
                continue
            self._clocks[client] = clock
            before = self.states.pop(client, None)
            try:
                state = json.loads(data)
            except (ValueError, RecursionError):
                state = None
            if isinstance(state, dict):
                self.states[client] = state
            changed |= before != self.states.get(client)
        return changed

    def forget(self) -> None:
        """The connection is gone: nobody can be seen, and the next one tells of everybody anew."""
        self.states.clear()
        self._clocks.clear()


def announce(client: int, clock: int, state: Mapping[str, Any] | None) -> bytes:
    """The awareness update that tells one client's state; None: it goes."""
    update = bytearray(b"\x01")
    write_var_uint(update, client)
    write_var_uint(update, clock)
    write_var_string(update, json.dumps(state, separators=(",", ":")))
    return bytes(update)
