"""Everything that can go wrong between Quire and those who use it, told by who is at fault.

    CollabError
     +- ProtocolError    1007/400  the peer sent what no correct client sends
     +- TooBig           1009/413  the peer sent more than is allowed
     +- BadName          4400/400  the peer asked for a document that cannot be called so
     +- AccessDenied     4403/403  the peer may not do that
     +- NotFound         4404/404  there is no such document, or it was deleted
     +- Conflict         4409/409  it exists already
     +- Unavailable      1013/503  our side cannot do it now: try again

y-websocket 3 gives up for good on 4400 to 4499 and tries again on every other close code, and the
codes are chosen by that. The sentence of an error goes to the peer: it says what was wrong and
what to do, never what was sent.
"""


class CollabError(Exception):
    """Base of all errors that a peer is told; carries how each transport says it."""

    close_code = 1011
    http_status = 500


class ProtocolError(CollabError):
    """The peer's bytes break the protocol. Its connection ends; nobody else notices."""

    close_code = 1007
    http_status = 400


class TooBig(CollabError):
    """The peer's message is larger than a limit."""

    close_code = 1009
    http_status = 413


class BadName(CollabError):
    """No document can have this name."""

    close_code = 4400
    http_status = 400


class AccessDenied(CollabError):
    """The peer may not do this."""

    close_code = 4403
    http_status = 403


class NotFound(CollabError):
    """There is no such document, or it was deleted."""

    close_code = 4404
    http_status = 404


class Conflict(CollabError):
    """Something of that name exists already."""

    close_code = 4409
    http_status = 409


class Unavailable(CollabError):
    """We cannot do it now, through no fault of the peer. Trying again later is right."""

    close_code = 1013
    http_status = 503
