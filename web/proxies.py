"""Who really asks, when a reverse proxy stands in between. Knows the headers that proxies write.

Anybody can write such headers; they count only from proxies that the operator has named. What they
say is put where Tornado's own `xheaders` would put it, so that everybody asks these two functions.
"""

import ipaddress
from collections.abc import Collection
from functools import lru_cache

from tornado.httputil import HTTPHeaders, HTTPServerRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(request: HTTPServerRequest) -> str:
    """The address of whoever asks: for limits, logs and audit."""
    return canonical(request.remote_ip or "")


def secure(request: HTTPServerRequest) -> bool:
    """Whether nobody can listen in between the browser and the first server of ours."""
    return request.protocol == "https"


@lru_cache(1_000)  # it is asked several times for each request
def canonical(address: str) -> str:
    """An address in its one form: IPv4 as such also where a socket for IPv6 took it."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


class Proxies:
    """The proxies that are believed: addresses, or networks such as 10.0.0.0/8."""

    def __init__(self, networks: Collection[str] = ()) -> None:
        """ValueError when one of them is neither."""
        self.networks: list[Network] = [ipaddress.ip_network(network) for network in networks]

    def __contains__(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.networks)

    def origin(self, peer: str, protocol: str, headers: HTTPHeaders) -> tuple[str, str]:
        """Address and protocol of whoever asked first, as far back as proxies of ours tell.

        Each proxy appends the address that it was asked from, so the list is read from its end:
        the first that is no proxy of ours is the client, whatever stands before it."""
        hops = [hop.strip() for hop in ",".join(headers.get_list("X-Forwarded-For")).split(",")]
        protocols = ",".join(headers.get_list("X-Forwarded-Proto")).lower().split(",")
        passed = 0
        while peer in self and hops:
            hop = canonical(_without_port(hops.pop()))
            passed += 1
            if not _is_address(hop):
                break
            peer = hop
        if passed:
            # One that stands alone was written by the first proxy and handed on by the others.
            told = protocols[-min(passed, len(protocols))].strip()
            protocol = told if told in ("http", "https") else protocol
        return peer, protocol


def _without_port(hop: str) -> str:
    """192.0.2.1:80 and [2001:db8::1]:80 are written by some."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
