"""Who speaks, and what they think they speak to: addresses, proxies, host names, origins.

A browser sends whatever a page of any site tells it to send. Two headers that pages cannot forge say where a request
comes from: `Host` names the server the page thinks it talks to, `Origin` (and `Sec-Fetch-Site`) the page itself.
"""

import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from urllib.parse import urlsplit

from aiohttp import web

from graph.errors import GraphError
from server.api import Refusal
from server.settings import Settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS: Mapping[str, int] = MappingProxyType({"http": 80, "https": 443})

READING = ("GET", "HEAD")
"""Methods that change nothing."""

PROXIED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded")
"""What proxies add to the requests they pass on."""


@dataclass(frozen=True)
class Seen:
    """A request as its client sees it. address: of the client. host: without the port, in small letters."""

    address: str
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> str:
        """The origin of the server's own pages, in the form browsers send it."""
        return origin_of(self.scheme, self.host, self.port)


@dataclass(frozen=True)
class Hosts:
    """Which names the server answers to, whom it believes, and which pages may ask it.

    proxies: networks whose X-Forwarded headers hold. names: host names, or "*.example.org" for all below one.
    literals: any IP address will do. origins: of pages of others that may ask. is_open: no token is asked for.
    """

    proxies: tuple[Network, ...]
    names: frozenset[str]
    literals: bool
    origins: frozenset[str]
    scheme: str
    is_open: bool

    def seen(self, request: web.Request) -> Seen:
        """The request as its client sees it.

        Raises Refusal 400 for a Host header that is missing, doubled or none, 403 for one the server does not answer
        to, and for what a proxy passed on without being trusted while no token is asked for.
        """
        headers = request.headers
        hosts = headers.getall("Host", [])
        if len(hosts) != 1:
            raise Refusal(400, "bad_host", "The request needs one Host header.")
        address, scheme, host = request.remote or "", self.scheme, hosts[0]
        if self._is_trusted(address):
            address = self._client(address, headers.getall("X-Forwarded-For", []))
            scheme = _last(headers.getall("X-Forwarded-Proto", [])).lower() or scheme
            host = _last(headers.getall("X-Forwarded-Host", [])) or host
            if scheme not in ("http", "https"):
                raise Refusal(400, "bad_proxy", "The proxy's X-Forwarded-Proto is neither http nor https.")
        elif self.is_open and any(name in headers for name in PROXIED):
            # Behind a proxy "only this machine" would be everybody.
            raise Refusal(
                403,
                "unknown_proxy",
                "A proxy passed this request on, but the server asks for no token and knows of no proxy.",
                "Start the server with --token, and with --trusted-proxies and the proxy's address.",
            )
        name, port = host_and_port(host, PORTS[scheme])
        if not self._answers_to(name):
            raise Refusal(
                403,
                "unknown_host",
                f"The server does not answer to the name '{name}'.",
                f"If it is yours, start the server with --allowed-hosts {name}",
            )
        return Seen(address, scheme, name, port)

    def check_origin(self, request: web.Request, seen: Seen) -> str:
        """The origin of another site's page that may ask, "" where none is involved.

        Raises Refusal 403 for what a page of another site sends that may not.
        """
        given = request.headers.getall("Origin", [])
        site = request.headers.get("Sec-Fetch-Site", "")
        if given:
            origin = parse_origin(given[0]) if len(given) == 1 else ""
            if origin and origin == seen.origin:
                return ""
            if origin and origin in self.origins:
                return origin
            raise Refusal(
                403,
                "foreign_origin",
                f"Pages of '{given[0][:200]}' may not ask this server, which is '{seen.origin}' to them.",
                "Allow it with --allowed-origins. Behind a proxy, set --trusted-proxies.",
            )
        opened = request.headers.get("Sec-Fetch-Mode") == "navigate" and (
            request.headers.get("Sec-Fetch-Dest") == "document"
        )
        if site in ("cross-site", "same-site") and not (opened and request.method in READING):
            raise Refusal(403, "foreign_origin", "A page of another site may not ask this server.")
        return ""

    def _is_trusted(self, address: str) -> bool:
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self.proxies)

    def _client(self, address: str, forwarded: list[str]) -> str:
        # From the nearest proxy back: the first that is not trusted is the client. What stands before it is hearsay.
        for part in reversed(",".join(forwarded).split(",")):
            if not self._is_trusted(address):
                break
            parsed = _address(part.strip())
            if parsed is None:
                break
            address = str(parsed)
        return address

    def _answers_to(self, name: str) -> bool:
        if name in self.names or "*" in self.names:
            return True
        literal = _address(name)
        if literal is not None:
            return self.literals or literal.is_loopback
        if name == "localhost" or name.endswith(".localhost"):
            return True
        parts = name.split(".")
        return any(f"*.{'.'.join(parts[i:])}" in self.names for i in range(1, len(parts)))


def hosts_of(settings: Settings, is_open: bool) -> Hosts:
    """The rules a server with these settings follows. is_open: it asks for no token.

    Raises GraphError for a proxy that is no network and an origin that is none.
    """
    names = {_setting_host(name) for name in settings.allowed_hosts}
    if not settings.is_loopback:
        own = socket.gethostname().lower()
        names |= {own, own.partition(".")[0], f"{own.partition('.')[0]}.local"} - {""}
        if _address(settings.host) is None:
            names.add(settings.host.lower())
    return Hosts(
        proxies=tuple(map(_network, settings.trusted_proxies)),
        names=frozenset(names),
        literals=not settings.is_loopback,
        origins=frozenset(map(_setting_origin, settings.allowed_origins)),
        scheme=settings.scheme,
        is_open=is_open,
    )


def host_and_port(text: str, default: int) -> tuple[str, int]:
    """The name and port of a Host header. Raises Refusal 400 for one that is none."""
    try:
        parts = urlsplit(f"//{text}")
        name, port = parts.hostname, parts.port
    except ValueError:
        name, port = None, None
    plain = text.isascii() and text.isprintable() and not set(text) & set(" /?#@\\,<>\"'%")
    if not name or not plain:
        raise Refusal(400, "bad_host", "The Host header is no host name.")
    return name.removesuffix("."), default if port is None else port


def origin_of(scheme: str, host: str, port: int) -> str:
    """An origin as browsers write it: without the port that belongs to the scheme, IPv6 in brackets."""
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" + ("" if PORTS.get(scheme, 0) == port else f":{port}")


def parse_origin(text: str) -> str:
    """An origin in the form of `origin_of`; "" for "null" and whatever is none."""
    scheme, mark, host = text.lower().partition("://")
    if not mark or not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        return ""
    try:
        return origin_of(scheme, *host_and_port(host, PORTS.get(scheme, 0)))
    except Refusal:
        return ""


def _address(text: str) -> Address | None:
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise GraphError(
            f"--trusted-proxies: '{text}' is neither an address (10.0.0.2) nor a network (10.0.0.0/24)."
        ) from error


def _setting_host(text: str) -> str:
    if text == "*":
        return text
    try:
        star = "*." if text.startswith("*.") else ""
        return star + host_and_port(text.removeprefix("*."), 0)[0]
    except Refusal as error:
        raise GraphError(f"--allowed-hosts: '{text}' is no host name (art.example.org, *.example.org).") from error


def _setting_origin(text: str) -> str:
    origin = parse_origin(text.removesuffix("/"))
    if not origin:
        raise GraphError(f"--allowed-origins: '{text}' is no origin (https://art.example.org).")
    return origin


def _last(values: Iterable[str]) -> str:
    return ",".join(values).rpartition(",")[2].strip()
