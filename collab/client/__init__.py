"""A document of a server, in this program: `Client`, and what the commands build on it.

    from collab.client import Client

    async with Client("https://quire.example.com", "notes", token=token) as client:
        await client.synced()
        content = client.doc.get("content", type=Text)
        content += "Written from afar.\\n"
        await client.saved()

A folder of its own, between `web` and `collab`: it knows Tornado, for a WebSocket, as `collab` must
not, and nothing of the server, which in turn must not load the pycrdt that is needed here.
"""

from collab.client.remote import Client

__all__ = ["Client"]
