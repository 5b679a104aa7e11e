"""Quire in a Jupyter server, as an extension: whom Jupyter lets in, Quire does.

usage: jupyter server --ServerApp.jpserver_extensions="{'collab.examples.jupyter': True}"

Editors connect at http://localhost:8888/quire/sync then, with Jupyter's token or its cookie.
"""

import copy
import time

from jupyter_server.auth import User
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import ensure_async, url_path_join
from traitlets import Unicode

from collab import Hub
from collab.access import Credentials, Grant, Level
from collab.errors import Unauthenticated
from collab.storage import open_store
from collab.web import routes


class Quire(ExtensionApp):
    name = "quire"
    store = Unicode("quire.db", config=True, help="The file with the documents.")

    def initialize_handlers(self) -> None:
        server = self.serverapp
        self.hub = Hub(open_store(self.store), self.authorize)
        rules = routes(
            self.hub,
            prefix=url_path_join(server.base_url, "quire"),
            origins=[server.allow_origin] if server.allow_origin else [],
            page=False,
        )
        server.web_app.add_handlers(".*$", rules)

    async def stop_extension(self) -> None:
        await self.hub.close()

    async def authorize(self, credentials: Credentials, document: str) -> Grant:
        """Asked before a document is opened, and again every five seconds."""
        visit = self.visit(credentials)
        user = await ensure_async(self.serverapp.identity_provider.get_user(visit))
        if user is None:
            raise Unauthenticated("Jupyter does not know who you are: show its token.")
        expires = time.time() + 5
        level = await self.level(visit, user)
        # Who has the server's token gets another made-up name with each request, so it is nobody
        # in particular, and called as it says.
        if user.name.startswith("Anonymous "):
            return Grant(level, expires=expires)
        name = user.display_name or user.name
        return Grant(level, user=user.username, name=name, color=user.color or "", expires=expires)

    async def level(self, visit: JupyterHandler, user: User) -> Level:
        """What Jupyter's authorizer lets somebody do with the contents of files."""
        for action, level in (("write", Level.WRITE), ("read", Level.READ)):
            authorizer = self.serverapp.authorizer
            if await ensure_async(authorizer.is_authorized(visit, user, action, "contents")):
                return level
        return Level.NONE

    def visit(self, credentials: Credentials) -> JupyterHandler:
        """The request as one of Jupyter's own handlers has it, which is what Jupyter looks at."""
        request = copy.copy(credentials.request)
        request.connection = Deaf()
        if credentials.token:  # it may have come in a message: Hocuspocus
            request.headers = request.headers.copy()
            request.headers["Authorization"] = f"token {credentials.token}"
        return JupyterHandler(self.serverapp.web_app, request)


class Deaf:
    """The handler that really answers has to hear of the end of its connection; no other one."""

    def set_close_callback(self, callback: object) -> None:
        pass


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    return [{"module": __name__, "app": Quire}]
