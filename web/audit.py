"""The audit log over HTTP: who did what to which document. Knows Tornado and the hub."""

from datetime import UTC, datetime

from collab.errors import ProtocolError
from collab.names import document_key, name_of
from collab.web import schemas
from collab.web.api import ApiHandler

NEWEST = 10**15 - 1  # no line has an id as large


class AuditHandler(ApiHandler):
    """`/api/audit`: its lines, newest first."""

    async def get(self) -> None:
        query = self.query(schemas.AUDIT)
        since, limit = query.get("since"), query["limit"]
        tenant, document = self.grant.tenant, query.get("document")
        lines = await self.hub.store.audit(
            tenant=tenant,
            document=document_key(tenant, document) if document is not None else None,
            user=query.get("user"),
            action=query.get("action"),
            since=moment(since) if since is not None else None,
            before=query.get("before", NEWEST),
            limit=limit,
        )
        following = lines[-1].id if len(lines) == limit else None
        shown = [{**line._asdict(), "document": name_of(line.document)} for line in lines]
        self.write({"lines": shown, "next": following})


def moment(text: str) -> int:
    """A time as people or programs write it, in milliseconds since the epoch. ProtocolError."""
    if text.isascii() and text.isdigit() and len(text) <= 15 and len(text) != 8:
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ProtocolError(
            "since must be a time as in 2026-11-23T18:10:00Z, or milliseconds since 1970."
        ) from None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


HANDLERS: dict[str, type[ApiHandler]] = {r"/api/audit": AuditHandler}
