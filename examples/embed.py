"""Quire in an application of your own, which knows its people by itself.

usage: python embed.py [PORT]; then open the address that it prints, as ann or as bob
"""

import asyncio
import secrets
import sys
import time

import tornado.web

from collab import Hub
from collab.access import Credentials, Grant, Level
from collab.storage import open_store
from collab.web import routes

PEOPLE = {"ann": ("Ann", Level.WRITE), "bob": ("Bob", Level.READ)}


async def authorize(credentials: Credentials, document: str) -> Grant | None:
    """Asked before a document is opened, and again every five seconds."""
    user = user_of(credentials.request)
    if user not in PEOPLE:
        return None
    name, level = PEOPLE[user]
    return Grant(level, user=user, name=name, expires=time.time() + 5)


def user_of(request: object) -> str:
    """Your own session: here a signed cookie."""
    morsel = request.cookies.get("user")
    value = tornado.web.decode_signed_value(SECRET, "user", morsel.value) if morsel else None
    return value.decode() if value else ""


class Login(tornado.web.RequestHandler):
    def get(self, user: str) -> None:
        self.set_signed_cookie("user", user, httponly=True, samesite="Lax")
        self.redirect("/")


SECRET = secrets.token_hex()


def application(hub: Hub) -> tornado.web.Application:
    """Your rules beside ours: Quire's page at /, its API and its sockets."""
    own = [(r"/login/(\w+)", Login)]
    return tornado.web.Application(
        own + routes(hub), cookie_secret=SECRET, websocket_ping_interval=25
    )


async def main(port: int) -> None:
    hub = Hub(open_store("embedded.db"), authorize)
    application(hub).listen(port, "127.0.0.1")
    print(f"http://127.0.0.1:{port}/login/ann or .../login/bob", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await hub.close()


if __name__ == "__main__":
    asyncio.run(main(int(*sys.argv[1:2] or [4800])))
