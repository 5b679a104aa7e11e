r"""Signed tokens: who somebody is and what they may do, as a JSON Web Token. Keeps no list of them.

    claims    sub     the user, for good        name, color   as others see them, if they are given
              crowd   true: many people, whom nobody can tell apart
              tenant  whose documents they are  rights        pattern -> read, comment, write, admin
              aud     "quire"                   exp           seconds since the epoch
              jti     by which it is revoked    parent        the jti of the token that gave it out

A pattern is the name of a document, in which * stands for any characters, and \* for itself.
HS256 alone is taken: whoever has a key can make tokens, this program and the operator's own. Keys
are lines of a file; the first one signs and all verify, so that a new one can be put before an old
one (RFC 7519, RFC 8725; PyJWT does the work).

A token is asked about again and again, for each document of a list, and to verify it takes longer
than all else: so what one said is remembered, and this knows the time, for tokens end.
"""

import contextlib
import hashlib
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import inf
from typing import Any

import jwt

from collab.access import Credentials, Grant, Level
from collab.errors import Expired, Unauthenticated

AUDIENCE = "quire"
ALGORITHM = "HS256"
LEEWAY = 3  # seconds that two clocks may differ; who is in is out two seconds later at the most
MIN_KEY = 32  # characters of a key
REMEMBERED = 1_000  # tokens
WORDS = {level.name.lower(): level for level in Level if Level.READ <= level <= Level.ADMIN}

_TEXTS = ("sub", "name", "color", "tenant", "jti", "parent")
_COUNTS_NOT = "Your token does not count here."
_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class Tokens:
    """The hook `authorize` of a hub that takes tokens of these keys. `readers` says what those who
    may only read are to the others: "shown" (they see who is there, and are seen), "hidden" (they
    are not seen) or "apart" (neither)."""

    def __init__(self, keys: Sequence[str], readers: str = "shown") -> None:
        self.readers = readers
        self.replace_keys(keys)

    def replace_keys(self, keys: Sequence[str]) -> None:
        """Sign and verify with other keys from now on. ValueError unless there are some, and each
        is long enough to be no word that somebody could guess."""
        if not keys or min(map(len, keys)) < MIN_KEY:
            raise ValueError(f"a key has {MIN_KEY} characters at least")
        self._keys = {_key_id(key): key for key in keys}
        self._signs = keys[0]
        self._verified: dict[str, dict[str, Any]] = {}  # token -> its claims

    async def __call__(self, credentials: Credentials, document: str) -> Grant:
        """What the token allows, or the best of several, which stand one behind the other with "~"
        between them. Unauthenticated when there is none, or none counts."""
        grants = []
        for token in credentials.tokens:
            try:
                grants.append(self._grant(self.verify(token), document))
            except Unauthenticated as error:
                refused = error
        if not grants:
            raise refused
        # Who has a name is rather that than a guest of a link.
        best, *others = sorted(grants, key=lambda one: (one.level, one.name != ""), reverse=True)
        return replace(best, instead=tuple(others)) if others else best

    def _grant(self, claims: Mapping[str, Any], document: str) -> Grant:
        level = _level(claims["rights"], document)
        shown = level >= Level.COMMENT or self.readers == "shown"
        return Grant(
            level,
            user=claims["sub"],
            name=claims.get("name", ""),
            color=claims.get("color", ""),
            tenant=claims.get("tenant", ""),
            expires=claims["exp"] + LEEWAY,
            token=claims.get("jti", ""),
            parent=claims.get("parent", ""),
            seen=shown,
            sees=shown or self.readers == "hidden",
            crowd=claims.get("crowd", False),
        )

    def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a token, each of the right type. Unauthenticated if it does not count."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token)
            if len(self._verified) >= REMEMBERED:
                self._verified.clear()
            self._verified[token] = claims
        if claims["exp"] <= time.time() - LEEWAY:
            del self._verified[token]
            raise Expired("Your access has expired: get a new token.")
        return claims

    def _verify(self, token: str) -> dict[str, Any]:
        """All of it but when it ends, which `verify` looks at each time."""
        if not token:
            raise Unauthenticated("Say who you are: a token is needed here.")
        if not _JWT.fullmatch(token):  # older PyJWTs read over what is no base64
            raise Unauthenticated(_COUNTS_NOT)
        try:
            claims = self._decode(token)
        except (jwt.InvalidTokenError, ValueError, TypeError, ArithmeticError, RecursionError):
            raise Unauthenticated(_COUNTS_NOT) from None
        if not _well_formed(claims):
            raise Unauthenticated("Your token does not say what it should.")
        if not unicodedata.is_normalized("NFC", claims.get("tenant", "")):
            raise Unauthenticated("The tenant in your token must be written in Unicode's form NFC.")
        return claims

    def _decode(self, token: str) -> dict[str, Any]:
        """By the key that the token names; those of the operator's own server may name none."""
        named = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
        for key in self._keys.values() if named is None else [named]:
            with contextlib.suppress(jwt.InvalidSignatureError):
                return jwt.decode(
                    token,
                    key,
                    algorithms=[ALGORITHM],
                    audience=AUDIENCE,
                    leeway=LEEWAY,
                    options={"require": ["exp", "aud", "sub"], "verify_exp": False},
                )
        raise Unauthenticated(_COUNTS_NOT)

    def issue(
        self, user: str, rights: Mapping[str, Level], expires: int, **claims: str | bool
    ) -> tuple[str, str]:
        """A token until a second since the epoch, and its id. `claims` are name, color, tenant,
        parent and crowd."""
        identity = secrets.token_urlsafe(12)
        words = {pattern: level.name.lower() for pattern, level in rights.items()}
        body = {"sub": user, "aud": AUDIENCE, "exp": expires, "jti": identity, "rights": words}
        return self._sign(body | {claim: said for claim, said in claims.items() if said}), identity

    def personal(self, token: str) -> str:
        """A token that many may have, such as that of a link, as one person's own: everybody who
        shows it is another guest from then on. One that names its user stays as it is."""
        claims = self.verify(token)
        if claims.get("name") or claims.get("guest"):
            return token
        guest = f"guest-{secrets.token_urlsafe(9)}"
        return self._sign({**claims, "sub": guest, "guest": True, "crowd": False})

    def _sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._signs, ALGORITHM, headers={"kid": _key_id(self._signs)})


def literal(name: str) -> str:
    """The pattern of this one name."""
    return re.sub(r"([\\*])", r"\\\1", name)


def new_key() -> str:
    """A key that nobody can guess."""
    return secrets.token_urlsafe(32)


def read_keys(text: str) -> list[str]:
    """The keys in a file: a line each; empty ones and those that begin with # are none."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _key_id(key: str) -> str:
    return hashlib.sha256(b"quire key id\0" + key.encode()).hexdigest()[:16]


def _well_formed(claims: Mapping[str, Any]) -> bool:
    texts = [claims.get(claim, "") for claim in _TEXTS]
    rights = claims.get("rights")
    return (
        all(isinstance(text, str) and text.isprintable() for text in texts)
        and isinstance(claims.get("crowd", False), bool)
        and claims["sub"] != ""
        and isinstance(claims["exp"], int | float)
        and 0 < claims["exp"] < inf
        and isinstance(rights, dict)
        and all(isinstance(word, str) and word in WORDS for word in rights.values())
    )


def _level(rights: Mapping[str, str], document: str) -> Level:
    """The highest level that a pattern gives; for '', what belongs to no document, that of "*", and
    READ to who may read anything."""
    levels = [WORDS[word] for pattern, word in rights.items() if _matches(pattern)(document)]
    if not document and rights:
        levels.append(Level.READ)
    return max(levels, default=Level.NONE)


@lru_cache(1024)
def _matches(pattern: str) -> Callable[[str], object]:
    parts = re.findall(r"\\.|[^\\*]+|.", unicodedata.normalize("NFC", pattern), re.DOTALL)
    written = (
        ".*" if part == "*" else re.escape(part[-1:] if part[0] == "\\" else part) for part in parts
    )
    return re.compile("".join(written), re.DOTALL).fullmatch
