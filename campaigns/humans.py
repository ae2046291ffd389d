"""Whether a person or a machine opened a message or followed its links. Pure.

Mail programs and security gateways fetch pictures and follow links before anybody has seen a mail. Everything is kept;
figures and automations go by what people did. What speaks for a machine is told at once where one request tells it,
else from all that was done with the message once some time has passed.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

SETTLED = timedelta(seconds=60)  # after which all that a scan does with a mail is done
TOO_SOON = timedelta(seconds=3)  # after delivery nobody has read it
BURST = timedelta(seconds=2)
MANY = 3  # links followed within a burst
HEAD, TRAP, AGENT, NETWORK, PROXY, SOON, SWEEP = (
    "HEAD", "TRAP", "AGENT", "DATA_CENTRE", "APPLE_PROXY", "TOO_SOON", "ALL_LINKS",
)  # fmt: skip

_ROBOTS = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|scan|preview|fetch|monitor|headless|phantom|curl|wget|python|java/|okhttp"
    r"|go-http|libwww|perl|ruby|axios|node|proofpoint|mimecast|barracuda|safelinks|symantec|trend ?micro|sophos"
    r"|cisco|fireeye|forcepoint|avast|kaspersky|virustotal|urlscan|facebookexternalhit|whatsapp|telegram|slack|discord",
    re.IGNORECASE,
)
# What people see a mail through: the picture is fetched when they open it.
_PEOPLES_PROXIES = re.compile(r"GoogleImageProxy|YahooMailProxy", re.IGNORECASE)
_APPLE = "17.0.0.0/8"
# Security gateways, and clouds from which only machines follow links. Not those through which people are relayed.
_SCANNERS = (
    "40.92.0.0/14", "52.100.0.0/14", "104.47.0.0/17", "2a01:111:f400::/48",  # Microsoft Defender
    "67.231.144.0/20", "148.163.128.0/19", "185.132.180.0/22", "205.220.160.0/19",  # Proofpoint
    "91.220.42.0/24", "205.139.110.0/23", "207.211.30.0/23",  # Mimecast
    "64.235.144.0/20", "209.222.80.0/21",  # Barracuda
    "66.249.64.0/19",  # Googlebot
    "3.208.0.0/12", "18.204.0.0/14", "34.192.0.0/12", "52.0.0.0/11", "54.144.0.0/12", "54.224.0.0/12",  # AWS
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """One opening or click, as it was recorded. why: what one request told; link: which, of a click."""

    id: int
    kind: str
    at: datetime
    link: int = 0
    why: str = ""


def at_once(*, method: str, agent: str, address: str, is_trap: bool, more: Iterable[str] = ()) -> str:
    """What one request alone tells of a machine, or "". more: networks that an operator knows."""
    if is_trap:
        return TRAP
    if method == "HEAD":
        return HEAD
    if _PEOPLES_PROXIES.search(agent):
        return ""
    if not agent or _ROBOTS.search(agent):
        return AGENT
    if agent.strip() == "Mozilla/5.0" or _is_in(address, (_APPLE,)):
        return PROXY
    return NETWORK if _is_in(address, (*_SCANNERS, *more)) else ""


def judged(acts: Sequence[Act], *, delivered_at: datetime | None) -> dict[int, str]:
    """Of all that was done with one message: id -> what speaks for a machine, "" where a person did it."""
    found = {}
    swept = _swept([one for one in acts if one.kind == "CLICKED"])
    trapped = [one.at for one in acts if one.why == TRAP]
    for one in acts:
        if one.why:
            found[one.id] = one.why
        elif delivered_at is not None and one.at - delivered_at < TOO_SOON:
            found[one.id] = SOON
        elif one.id in swept or (one.kind == "CLICKED" and any(abs(one.at - at) <= BURST for at in trapped)):
            found[one.id] = SWEEP
        else:
            found[one.id] = ""
    return found


def _swept(clicks: Sequence[Act]) -> set[int]:
    """The clicks of many links in next to no time."""
    found: set[int] = set()
    for first in clicks:
        near = [one for one in clicks if timedelta(0) <= one.at - first.at <= BURST]
        if len({one.link for one in near}) >= MANY:
            found |= {one.id for one in near}
    return found


def network_of(address: str) -> str:
    """The network of an address, which is all of it that is kept: 24 bits of IPv4, 48 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))


def _is_in(address: str, networks: tuple[str, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in one for one in _networks(networks) if one.version == found.version)


@lru_cache(maxsize=8)
def _networks(networks: tuple[str, ...]) -> Sequence[IPv4Network | IPv6Network]:
    return [ip_network(one) for one in networks]
