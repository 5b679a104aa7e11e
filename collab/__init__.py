"""Documents and those who edit them. Knows the store's records; never HTTP.

    from collab import Hub
    from collab.storage import open_store

    async with Hub(open_store("notes.db")) as hub:
        async with hub.open("notes") as editor:
            ...

Everything here but the hub and what it stands on (connection, editor, engine, gate, writer) is
synchronous and takes time, randomness and sockets as arguments.
"""

from collab.errors import CollabError
from collab.hub import Hub

__all__ = ["CollabError", "Hub"]
