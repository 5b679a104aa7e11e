"""Whom to believe about who asks: proxies that were named, hop by hop, and nobody else."""

import pytest
from tornado.httputil import HTTPHeaders

from collab.web.proxies import Proxies, canonical

OURS = Proxies(["10.0.0.0/8", "192.0.2.7", "2001:db8::/64"])

TOLD = [
    # (peer, X-Forwarded-For, X-Forwarded-Proto), (address, protocol)
    (("198.51.100.1", "203.0.113.9", "https"), ("198.51.100.1", "http")),
    (("10.0.0.1", None, None), ("10.0.0.1", "http")),
    (("10.0.0.1", "203.0.113.9", "https"), ("203.0.113.9", "https")),
    (("10.0.0.1", "1.1.1.1, 203.0.113.9", "https"), ("203.0.113.9", "https")),
    (("10.0.0.1", "1.1.1.1, 203.0.113.9, 192.0.2.7", "https"), ("203.0.113.9", "https")),
    (("10.0.0.1", "203.0.113.9, 192.0.2.7", "https, http"), ("203.0.113.9", "https")),
    (("10.0.0.1", "203.0.113.9", "https, http"), ("203.0.113.9", "http")),
    (("10.0.0.1", "10.9.9.9, 10.0.0.2", None), ("10.9.9.9", "http")),
    (("10.0.0.1", "203.0.113.9:4711", "wss"), ("203.0.113.9", "http")),
    (("2001:db8::1", "[2001:db8:1::5]:80", "HTTPS"), ("2001:db8:1::5", "https")),
    (("10.0.0.1", "203.0.113.9, unknown", "https"), ("10.0.0.1", "https")),
    (("10.0.0.1", "203.0.113.9, <script>", "https"), ("10.0.0.1", "https")),
    (("10.0.0.1", "", ""), ("10.0.0.1", "http")),
]


@pytest.mark.parametrize(("told", "origin"), TOLD)
def test_the_last_hop_that_is_no_proxy_of_ours_counts(
    told: tuple[str, str | None, str | None], origin: tuple[str, str]
) -> None:
    """What a client writes itself stands further left; from strangers nothing counts."""
    peer, addresses, protocols = told
    headers = HTTPHeaders()
    if addresses is not None:
        headers["X-Forwarded-For"] = addresses
    if protocols is not None:
        headers["X-Forwarded-Proto"] = protocols
    assert origin == OURS.origin(peer, "http", headers)


def test_a_header_that_comes_twice_is_one_list() -> None:
    """A proxy may add a line of its own below the client's."""
    headers = HTTPHeaders()
    headers.add("X-Forwarded-For", "1.1.1.1")
    headers.add("X-Forwarded-For", "203.0.113.9")
    assert ("203.0.113.9", "http") == OURS.origin("10.0.0.1", "http", headers)


def test_an_address_has_one_form() -> None:
    """However the socket took it; what is none stays as it is."""
    assert "192.0.2.1" == canonical("::ffff:192.0.2.1")
    assert "fe80::1" == canonical("FE80:0::1%eth0")
    assert "nobody" == canonical("nobody")
    assert "nobody" not in OURS and "10.1.2.3" in OURS
