"""The day in three small panels: bars for minutes of answering, a line for questions asked.

A stand-alone SVG that needs no colour to be read, with its text alternative inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from upss.simulation.metrics import Tally, peak_to_average

PANELS = 3
_WIDTH, _HEIGHT = 280, 150
_LEFT, _TOP, _GAP, _BOTTOM = 36, 64, 28, 48
_HOURS = 24
_TOP_LEVEL = 3.0  # times the mean hour; what is higher is cut and said so
_BAR = "#4a6fa5"
_LINE = "#8a2d0c"
_INK = "#1a1a1a"


def svg_chart(runs: Mapping[str, Sequence[Tally]]) -> str:
    """Return the chart of the first three runs."""
    shown = list(runs.items())[:PANELS]
    width = _LEFT + len(shown) * (_WIDTH + _GAP)
    height = _TOP + _HEIGHT + _BOTTOM
    title = "Questions asked and minutes of answering, by hour of the day"
    told = " ".join(_told(name, tallies) for name, tallies in shown)
    legend = "Bars: minutes of answering. Line: questions asked. 1 is the mean hour."
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="title desc" font-family="sans-serif" font-size="12" fill="{_INK}">\n'
        f'<title id="title">{title}</title>\n<desc id="desc">{escape(told)}</desc>\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        f'<text x="{_LEFT}" y="20">{legend}</text>'
    )
    lines = [head]
    for number, (name, tallies) in enumerate(shown):
        lines += _panel(_LEFT + number * (_WIDTH + _GAP), name, tallies)
    return "\n".join([*lines, "</svg>", ""])


def _levels(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return each hour relative to the mean one, all seeds together."""
    hours = [sum(hour) for hour in zip(*rows, strict=True)]
    mean = sum(hours) / len(hours) or 1.0
    return [hour / mean for hour in hours]


def _told(name: str, tallies: Sequence[Tally]) -> str:
    asked = _levels([one.arrivals for one in tallies])
    work = _levels([one.work for one in tallies])
    return (
        f"{name}: most questions come at {_top(asked)}, {peak_to_average(asked):.2f} times the mean"
        f" hour; most answering is done at {_top(work)}, {peak_to_average(work):.2f} times the mean."
    )


def _top(levels: Sequence[float]) -> str:
    return f"{max(range(len(levels)), key=levels.__getitem__)}:00"


def _panel(left: float, name: str, tallies: Sequence[Tally]) -> Iterator[str]:
    asked = _levels([one.arrivals for one in tallies])
    work = _levels([one.work for one in tallies])
    step, floor = _WIDTH / _HOURS, _TOP + _HEIGHT
    yield f'<g aria-hidden="true"><text x="{left}" y="{_TOP - 14}" font-weight="bold">{escape(name)}</text>'
    for mark in (0, 1, 2, 3):
        y = _y(mark)
        yield f'<line x1="{left}" y1="{y:.1f}" x2="{left + _WIDTH}" y2="{y:.1f}" stroke="#767676" stroke-width="0.5"/>'
        yield f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{mark}</text>'
    for hour, level in enumerate(work):
        y = _y(level)
        yield (
            f'<rect x="{left + hour * step + 1:.1f}" y="{y:.1f}" width="{step - 2:.1f}"'
            f' height="{floor - y:.1f}" fill="{_BAR}"/>'
        )
    points = " ".join(
        f"{left + (hour + 0.5) * step:.1f},{_y(level):.1f}" for hour, level in enumerate(asked)
    )
    yield f'<polyline points="{points}" fill="none" stroke="#ffffff" stroke-width="5"/>'
    yield f'<polyline points="{points}" fill="none" stroke="{_LINE}" stroke-width="2.5"/>'
    for hour in (0, 6, 12, 18, 24):
        yield f'<text x="{left + hour * step:.1f}" y="{floor + 18}" text-anchor="middle">{hour}</text>'
    yield f'<text x="{left + _WIDTH / 2}" y="{floor + 38}" text-anchor="middle">hour of the day</text></g>'


def _y(level: float) -> float:
    return _TOP + _HEIGHT * (1 - min(level, _TOP_LEVEL) / _TOP_LEVEL)
