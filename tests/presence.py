"""Awareness as y-protocols keeps it in a client: what it shows, and what it sends. No network."""

from collab.reader import Reader, var_uints, write_var_bytes

NULL = b"null"


class Presence:
    """One client's view of who is here. It starts with a state of its own, as editors do."""

    def __init__(self, client: int) -> None:
        self.client = client
        self.clocks = {client: 1}
        self.states: dict[int, bytes] = {client: b"{}"}

    @property
    def state(self) -> bytes:
        """Its own state."""
        return self.states[self.client]

    def others(self) -> dict[int, bytes]:
        """Whom it shows."""
        return {client: state for client, state in self.states.items() if client != self.client}

    def move(self, place: int) -> bytes:
        """Its caret has moved; the awareness update that says so."""
        self.clocks[self.client] += 1
        self.states[self.client] = b'{"caret":%d}' % place
        return self.encode([self.client])

    def alone(self) -> None:
        """The connection is lost: y-websocket forgets the others' states, not their clocks."""
        self.states = {self.client: self.state}

    def encode(self, clients: list[int]) -> bytes:
        """The awareness update about these clients."""
        update = bytearray(var_uints(len(clients)))
        for client in clients:
            update += var_uints(client, self.clocks[client])
            write_var_bytes(update, self.states.get(client, NULL))
        return bytes(update)

    def apply(self, update: bytes) -> list[int]:
        """What y-protocols' applyAwarenessUpdate does; the clients that it changed, which the
        provider sends on."""
        changed = []
        reader = Reader(update)
        for _ in range(reader.var_uint()):
            client, clock, state = reader.var_uint(), reader.var_uint(), reader.var_bytes()
            known = self.clocks.get(client, 0)
            gone = state == NULL and known == clock and client in self.states
            if not (known < clock or gone):
                continue
            if state != NULL:
                self.states[client] = state
            elif client == self.client:
                clock += 1  # nobody else says that we are gone
            else:
                self.states.pop(client, None)
            self.clocks[client] = clock
            changed.append(client)
        return changed
