"""Tokens: what they say is what is granted, and nothing else counts as one."""

import asyncio
import base64
import json
import time
import unicodedata

import jwt
import pytest

from collab.access import Credentials, Level
from collab.errors import Unauthenticated
from collab.tokens import Tokens, new_key, read_keys

KEY, OLD = 2 * new_key(), new_key()
LATER = int(time.time()) + 3600
RIGHTS = {"notes": "write", "team/*": "read"}


def grant(tokens, token, document="notes"):
    return asyncio.run(tokens(Credentials(token), document))


def signed(key=KEY, **changes):
    claims = {"sub": "ann", "aud": "quire", "exp": LATER, "rights": RIGHTS} | changes
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, "HS256")


def test_a_token_says_who_and_what():
    """Also the rights to names that match a pattern."""
    tokens = Tokens([KEY])
    token, identity = tokens.issue(
        "u1", {"notes": Level.WRITE, "team/*": Level.READ}, LATER, name="Ann", tenant="acme"
    )
    notes = grant(tokens, token)

    assert (Level.WRITE, "u1", "Ann", "acme") == (notes.level, notes.user, notes.name, notes.tenant)
    assert identity == notes.token and notes.expires >= LATER
    assert Level.READ == grant(tokens, token, "team/a/b").level
    assert Level.NONE == grant(tokens, token, "team").level
    assert Level.NONE == grant(tokens, token, "notes2").level
    assert Level.READ == grant(tokens, token, "").level


def test_only_who_may_do_all_may_do_what_belongs_to_no_document():
    """`*` is everything of a tenant."""
    tokens = Tokens([KEY])
    token, _ = tokens.issue("root", {"*": Level.ADMIN}, LATER)

    assert Level.ADMIN == grant(tokens, token, "").level == grant(tokens, token, "any\nthing").level


def test_a_pattern_means_a_name_however_it_is_spelled():
    """Some keyboards write an accent as a character of its own; names never have one."""
    token = signed(rights={unicodedata.normalize("NFD", "caf\u00e9*"): "read"})

    assert Level.READ == grant(Tokens([KEY]), token, "caf\u00e9s").level


def test_a_tenant_has_one_spelling():
    """By another one its people would have its documents, but not its list, its audit log and its
    revocations. Which one, the answer says: a token is made by somebody who can make it anew."""
    names = [unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD")]

    assert names[0] == grant(Tokens([KEY]), signed(tenant=names[0])).tenant
    with pytest.raises(Unauthenticated, match=r"tenant .* NFC"):
        grant(Tokens([KEY]), signed(tenant=names[1]))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "?",
        "a.b.c",
        "\u00e9.\u00e9.\u00e9",
        signed(new_key()),
        signed(aud="other"),
        signed(aud=None),
        signed(exp=None),
        signed(sub=None),
        signed(exp=int(time.time()) - 60),
        signed(nbf=LATER),
        signed(rights=None),
        signed(rights=["notes"]),
        signed(rights={"notes": "god"}),
        signed(rights={"notes": 3}),
        signed(name=7),
        signed(crowd="yes"),
        signed(tenant={"a": 1}),
        signed(sub=""),
        signed(exp=str(LATER)),
        signed(exp=float("nan")),
        signed(exp=float("inf")),
        jwt.encode({"sub": "ann", "aud": "quire", "exp": LATER, "rights": RIGHTS}, "", "none"),
        jwt.encode({"sub": "ann", "aud": "quire", "exp": LATER, "rights": RIGHTS}, KEY, "HS512"),
        signed()[:-2],
        signed() + 4 * "\n",
        signed() + ";;;;",
        signed().split(".")[0] + "." + signed(sub="bob").split(".")[1] + ".",
    ],
)
def test_what_is_no_token_of_ours_is_refused(token):
    """Whatever is wrong with it, the answer tells nothing about why."""
    with pytest.raises(Unauthenticated) as refused:
        grant(Tokens([KEY, OLD]), token)

    assert token == "" or token not in str(refused.value)


def test_a_hostile_header_is_refused():
    """A key id that is no text, nested JSON, another algorithm's name."""
    for header in ({"alg": "HS256", "kid": ["x"]}, {"alg": None}, {"alg": "HS256", "kid": {}}, []):
        part = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        with pytest.raises(Unauthenticated):
            grant(Tokens([KEY]), part + "." + ".".join(signed().split(".")[1:]))


def test_keys_rotate():
    """A new key comes first, and signs; the old one verifies until it is taken away."""
    old = Tokens([OLD])
    token, _ = old.issue("ann", {"notes": Level.READ}, LATER)
    both = Tokens(read_keys(f"# newest first\n{KEY}\n\n  {OLD}\n"))

    assert "ann" == grant(both, token).user
    assert "ann" == grant(both, signed(OLD)).user  # an operator's own may name no key
    newer, _ = both.issue("ann", {"notes": Level.READ}, LATER)
    both.replace_keys([KEY])
    assert "ann" == grant(both, newer).user
    with pytest.raises(Unauthenticated):
        grant(both, token)
    for keys in ([], ["secret"]):
        with pytest.raises(ValueError):
            both.replace_keys(keys)


def test_readers_are_what_the_operator_says():
    """Those who may write are always seen."""
    token, _ = Tokens([KEY]).issue("r", {"a": Level.READ, "b": Level.WRITE}, LATER)
    for readers, seen, sees in (("shown", 1, 1), ("hidden", 0, 1), ("apart", 0, 0)):
        tokens = Tokens([KEY], readers)
        reader, writer = grant(tokens, token, "a"), grant(tokens, token, "b")
        assert (seen, sees, 1, 1) == (reader.seen, reader.sees, writer.seen, writer.sees)


def test_of_several_tokens_the_best_counts():
    """One with a name rather than a guest's, so that nobody becomes a guest of their own link."""
    tokens = Tokens([KEY])
    ann, _ = tokens.issue("ann", {"notes": Level.WRITE}, LATER, name="Ann")
    link, _ = tokens.issue("link", {"notes": Level.WRITE}, LATER)
    more, _ = tokens.issue("more", {"notes": Level.ADMIN}, LATER)

    assert "ann" == grant(tokens, f"{link}~{ann}").user == grant(tokens, f"{ann}~{link}").user
    assert "more" == grant(tokens, f"{link}~{ann}~{more}").user


def test_a_token_of_a_crowd_may_become_one_guests_own():
    """Who signs in with it on the page is a person of their own from then on."""
    tokens = Tokens([KEY])
    token, _ = tokens.issue("app", {"notes": Level.WRITE}, LATER, crowd=True)
    guest = grant(tokens, tokens.personal(token))

    assert ("app", True) == (grant(tokens, token).user, grant(tokens, token).crowd)
    assert (guest.user.startswith("guest-"), guest.crowd) == (True, False)


def test_a_token_that_is_remembered_ends_all_the_same(monkeypatch):
    """When it expires, and when its key is taken away; it is not taken for another one."""
    tokens = Tokens([KEY, OLD])
    token, old = signed(), signed(OLD)
    assert "ann" == grant(tokens, token).user == grant(tokens, old).user
    assert "bob" == grant(tokens, signed(sub="bob")).user
    with monkeypatch.context() as later:
        later.setattr("collab.tokens.LEEWAY", -4000)  # as if it was more than an hour later
        with pytest.raises(Unauthenticated, match="expired"):
            grant(tokens, token)
    assert "ann" == grant(tokens, token).user
    tokens.replace_keys([KEY])
    with pytest.raises(Unauthenticated):
        grant(tokens, old)
