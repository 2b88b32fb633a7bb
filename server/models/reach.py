"""Which machines may be asked: with `public_only`, none that other machines of the world do not reach too."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp import TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from server.models.error import ModelError

TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that stand for an IPv4 address, its last 32 bits (RFC 6052)."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet: not private, of this machine, link-local, or of a group."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in TRANSLATED:
            inside = IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def check_literal(url: URL) -> None:
    """Refuse an address written as numbers that is not public. Names are looked at when they are resolved."""
    try:
        public = is_public(url.host or "")
    except ValueError:
        return
    if not public:
        raise _refused(url.host or "")


def connector(*, public_only: bool) -> TCPConnector:
    """What makes connections. A name is resolved once, and what was looked at is what is connected to."""
    resolver = PublicResolver() if public_only else ThreadedResolver()
    return TCPConnector(resolver=resolver, use_dns_cache=False, limit=16)


class PublicResolver(AbstractResolver):
    """Resolves names as the system does, and refuses a name of which one address is not public."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises ModelError where one of them is not public; OSError where there is none."""
        found = await self._system.resolve(host, port, family)
        if not all(is_public(item["host"]) for item in found):
            raise _refused(host)
        return found

    async def close(self) -> None:
        """Nothing is held."""
        await self._system.close()


def _refused(host: str) -> ModelError:
    return ModelError(
        "private_address",
        f"'{host}' is in a private network, or on this machine, where nothing is fetched from.",
        "Fetch it on the command line: `models get`.",
        status=403,
    )
