"""Who tries tokens: different ones that do not count, from one address. Knows no hook, no clock."""

import contextlib
from collections.abc import Iterator

from collab.errors import AccessDenied, Expired, TooMany, Unauthenticated
from collab.rates import Buckets, Rate

KNOWN = 10_000  # tokens that are remembered as having counted, and as not


class Guesses:
    """How many may fail is the rate."""

    def __init__(self, rate: Rate) -> None:
        self._failed = Buckets(rate)
        self._known: dict[int, None] = {}  # hashes of tokens that counted, the oldest first
        self._wrong: dict[int, None] = {}  # the same of those that did not

    @contextlib.contextmanager
    def watch(self, token: str, address: str, now: float) -> Iterator[None]:
        """Goes around asking who shows a token, if it is one. TooMany where too many from there did
        not count; those that once counted are asked about in any case, so that nobody is kept out
        by a neighbour. Who is let in nowhere may have guessed. No guess is what counted before,
        what has expired, as it does for a whole office together, and what is shown again, as
        y-websocket 1 and 2 do for ever."""
        if not token:
            yield
            return
        shown = hash(token)
        known = shown in self._known
        if not known and self._failed.empty(address, now):
            reason = "Too many tokens from your address do not count. Try again in a minute."
            raise TooMany(reason, "failed_logins")
        taken = not known and shown not in self._wrong
        if taken:  # before it is known: guesses come side by side
            self._failed.take(address, now)
        try:
            yield
            _remember(self._known, shown)
        except (Unauthenticated, AccessDenied) as error:
            taken = taken and (shown in self._wrong or isinstance(error, Expired))
            if isinstance(error, Unauthenticated):
                self._known.pop(shown, None)
            if shown not in self._known:
                _remember(self._wrong, shown)
            raise
        finally:
            if taken:
                self._failed.give_back(address)


def _remember(tokens: dict[int, None], token: int) -> None:
    tokens[token] = None
    if len(tokens) > KNOWN:
        del tokens[next(iter(tokens))]
