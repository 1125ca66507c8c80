"""How long a sign-in mail works, how often it may be asked for, and where it may lead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network

LIFETIME = timedelta(minutes=10)
CODE_TRIES = 5
_LONGEST_PATH = 300
_LONGEST_NAME = 80
# What some proxies hand on: 198.51.100.7:5678 or [2001:db8::1]:5678
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+|\[(.+)\](?::[0-9]+)?")
# A browser drops tabs and line breaks and reads a backslash as a slash: "/\t/e" would leave.
_UNSAFE_IN_PATH = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` uses in each `window`; `name` keeps the counts apart."""

    name: str
    most: int
    window: timedelta


PER_NETWORK = (Limit("sign-in-network", 10, timedelta(hours=1)),)
# Whoever knows an address can use its limits up: those of one network leave others theirs.
PER_ADDRESS_IN_NETWORK = (
    Limit("sign-in-address", 3, timedelta(minutes=15)),
    Limit("sign-in-address-day", 10, timedelta(days=1)),
)
PER_ADDRESS = (Limit("sign-in-address-all", 40, timedelta(days=1)),)
FOR_ALL = (Limit("sign-in-all", 1000, timedelta(minutes=5)),)


def network_of(address: str) -> str:
    """Return what counts as one visitor: an IPv4 address, or the /64 of an IPv6 address.

    All whose address cannot be read count as one: no proxy stops a page, or opens the limits.
    """
    found = _WITH_PORT.fullmatch(address)
    try:
        parsed = ip_address((found[1] or found[2]) if found else address)
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))


def local_path(wanted: str | None) -> str:
    """Return `wanted` if it is a path of this site, else "/": no address leads elsewhere."""
    if not wanted or len(wanted) > _LONGEST_PATH or _UNSAFE_IN_PATH.search(wanted):
        return "/"
    return wanted if re.match(r"/(?!/)", wanted) else "/"


def name_from(email: str) -> str:
    """Return a first name to show: "maria.soler@example.org" gives "Maria Soler"."""
    words = re.split(r"[._+-]+", email.partition("@")[0])
    return " ".join(word.capitalize() for word in words if word)[:_LONGEST_NAME] or "?"


def digits_of(typed: str) -> str:
    """Return a code without the spaces and dashes that people copy or type with it."""
    return re.sub(r"[\s-]+", "", typed)
