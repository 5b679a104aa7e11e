"""Everything that can go wrong between Quire and those who use it, told by who is at fault.

    CollabError
     +- ProtocolError    1007/400  the peer sent what no correct client sends
     +- TooBig           1009/413  the peer sent more than is allowed
     +- BadName          4400/400  the peer asked for a document that cannot be called so
     +- Unauthenticated  4401/401  the peer has to say who it is, or its token does not count
     |   +- Expired                it did, and was a good one
     +- AccessDenied     4403/403  the peer may not do that
     +- NotFound         4404/404  there is no such document, or it was deleted
     +- Conflict         4409/409  it exists already
     +- TimedOut         1008/408  the peer took too long to say something
     +- TooMany          1013/429  the peer has, or does, too much at once: try again later
     +- Unavailable      1013/503  our side cannot do it now: try again

y-websocket 3 gives up for good on 4400 to 4499 and tries again on every other close code, and the
codes are chosen by that. The sentence of an error goes to the peer: it says what was wrong and
what to do, never what was sent.
"""

from typing import Self

NO_MEMORY = "The server has no memory for that now. Try again."
"""What is said with Unavailable when an allocation fails."""


class CollabError(Exception):
    """Base of all errors that a peer is told; carries how each transport says it, and the `limit`
    of `collab.limits` that was hit, if one was: whoever tells the peer notes that."""

    close_code = 1011
    http_status = 500

    def __init__(self, sentence: str, limit: str = "") -> None:
        super().__init__(sentence)
        self.limit = limit

    def bare(self) -> Self:
        """The same without the frames that it passed through. What keeps an error is often held by
        them, and both would stay until a long collection of the whole heap."""
        return type(self)(str(self))


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


class Unauthenticated(CollabError):
    """Who the peer is, is not known, or not any more."""

    close_code = 4401
    http_status = 401


class Expired(Unauthenticated):
    """The peer's token counted once. It was not guessed: that is held against nobody."""


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


class TimedOut(CollabError):
    """The peer said nothing for too long."""

    close_code = 1008
    http_status = 408


class TooMany(CollabError):
    """The peer has too much going on. Trying again later is right."""

    close_code = 1013
    http_status = 429


class Unavailable(CollabError):
    """We cannot do it now, through no fault of the peer. Trying again later is right."""

    close_code = 1013
    http_status = 503
