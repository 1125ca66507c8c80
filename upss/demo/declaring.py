"""The hours and languages that the demo's answerers declare, one of them with days away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from upss.demo.stories import ANSWERERS
from upss.forum.rules.hours import PRESETS
from upss.forum.rules.windows import Interval, first_instant, zone
from upss.forum.service import hours
from upss.kernel.ids import AccountId
from upss.web.ports import unit

_GOES_AWAY = "mirto.candil"
_WEEK = timedelta(weeks=1)
_FROM_THE_START = timedelta(weeks=7)  # the demo begins about five weeks before today


def declare(people: Mapping[str, AccountId], *, site_zone: str) -> None:
    """Declare the hours of everybody who has some in the cast; `people` are their accounts."""
    for key, answerer in ANSWERERS.items():
        if not answerer.hours:
            continue
        whose = hours.Whose(people[key], site_zone)
        windows = tuple(window for preset in answerer.hours for window in PRESETS[preset])
        with unit() as uow:
            hours.set_week(uow, whose, windows=windows, zone_name=answerer.zone)
            hours.set_work(
                uow, whose, languages=frozenset(answerer.languages), topics_off=frozenset()
            )
            if key == _GOES_AWAY:
                hours.add_absence(uow, whose, absence=_week_away(uow.clock.now(), answerer.zone))
            uow.commit()


def _week_away(now: datetime, zone_name: str) -> Interval:
    """Return seven whole days, some weeks after `now`."""
    tz = zone(zone_name)
    today = now.astimezone(tz).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    start = today + _FROM_THE_START
    return Interval(first_instant(start, tz), first_instant(start + _WEEK, tz))
