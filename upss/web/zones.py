"""Time zones in words: a country, and a city where the country has several."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global

from upss.web.i18n import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOWHERE = {"001", "ZZ"}  # the world, and no place known


def zone_label(name: str) -> str:
    """Write a time zone, also by one of its older names; an unknown one stays as it is."""
    return _label(name, catalogue().code)


def zones(chosen: str) -> list[tuple[str, str]]:
    """Return (name, label) of every zone in the order of their labels, the chosen one among them.

    An older name that is chosen stands in for today's, so that saving the form changes nothing.
    """
    options = list(_zones(catalogue().code))
    names = [name for name, _label in options]
    if chosen in names or chosen not in _known():
        return options
    if _today(chosen) not in names:
        return [(chosen, zone_label(chosen)), *options]
    options[names.index(_today(chosen))] = (chosen, zone_label(chosen))
    return options


@lru_cache(maxsize=8)
def _zones(code: str) -> tuple[tuple[str, str], ...]:
    labels = ((name, _label(name, code)) for name in ("UTC", *_places()))
    return tuple(sorted(labels, key=lambda item: item[1].casefold()))


@lru_cache(maxsize=2048)
def _label(name: str, code: str) -> str:
    today = _today(name)
    place = _places().get(today)
    if place is None:
        return name.replace("_", " ")
    locale = Locale.parse(code)
    country: str = locale.territories.get(place, place)
    if place not in _with_several():
        return country
    city = locale.time_zones.get(today, {}).get("city")
    return f"{country}: {city or today.rpartition('/')[2].replace('_', ' ')}"


def _today(name: str) -> str:
    """Return the name that a zone has today: Asia/Calcutta is Asia/Kolkata."""
    today: str = get_global("zone_aliases").get(name, name)
    return today


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Return what the machine knows; asking it reads hundreds of files, so once is enough."""
    return frozenset(available_timezones())


@lru_cache(maxsize=1)
def _places() -> Mapping[str, str]:
    """Return the territory of each zone that has one."""
    return MappingProxyType(
        {
            name: territory
            for name, territory in get_global("zone_territories").items()
            if name in _known() and territory not in _NOWHERE
        }
    )


@lru_cache(maxsize=1)
def _with_several() -> frozenset[str]:
    places = list(_places().values())
    return frozenset(place for place in places if places.count(place) > 1)
