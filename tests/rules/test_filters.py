"""Money, dates and people's own words in the three languages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from upss.web.filters import (
    format_moment,
    format_money,
    format_rate,
    init_filters,
    initials,
    is_date,
    language_name,
    paragraphs,
)
from upss.web.i18n import init_i18n, reading

MADRID = ZoneInfo("Europe/Madrid")
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TRANSLATIONS = Path(__file__).resolve().parents[2] / "upss" / "translations"


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("filters")
    init_i18n(app, translations_dir=TRANSLATIONS, choose=lambda: None, timezone="Europe/Madrid")
    init_filters(app, now=lambda: NOW, timezone="Europe/Madrid")
    return app


def moment(app: Flask, code: str, when: datetime) -> str:
    with app.app_context(), reading(code) as words:
        return format_moment(when.astimezone(MADRID), NOW.astimezone(MADRID), words)


@pytest.mark.parametrize(
    ("minor", "code", "text"),
    [
        (1200, "en", "€12.00"),
        (1200, "es", "12,00\xa0€"),
        (1200, "ca", "12,00\xa0€"),
        (1, "en", "€0.01"),
        (-250, "en", "-€2.50"),
        (0, "es", "0,00\xa0€"),
        (2**53 - 1, "en", "€90,071,992,547,409.91"),
    ],
)
def test_money(minor: int, code: str, text: str) -> None:
    assert format_money(minor, "EUR", code) == text


@pytest.mark.parametrize(
    ("code", "hours", "text"),
    [
        ("en", 0, "Today, Saturday 21 November at 10:00"),
        ("en", 33, "Tomorrow, Sunday 22 November at 19:00"),
        ("en", -24, "Yesterday, Friday 20 November at 10:00"),
        ("en", 72, "Tuesday 24 November at 10:00"),
        ("en", 24 * 60, "Wednesday 20 January 2027 at 10:00"),
        ("es", 33, "Mañana, domingo, 22 de noviembre a las 19:00"),
        ("es", 15, "Mañana, domingo, 22 de noviembre a la 1:00"),
        ("es", 72, "Martes, 24 de noviembre a las 10:00"),
        ("es", 24 * 60, "Miércoles, 20 de enero de 2027 a las 10:00"),
        ("ca", 33, "Demà, diumenge, 22 de novembre a les 19:00"),
        ("ca", 15, "Demà, diumenge, 22 de novembre a la 1:00"),
    ],
)
def test_moment(app: Flask, code: str, hours: int, text: str) -> None:
    assert moment(app, code, NOW + timedelta(hours=hours)) == text


def test_the_day_changes_at_the_readers_midnight(app: Flask) -> None:
    # 23:30 UTC is already the next day in Madrid.
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    assert moment(app, "en", late) == "Tomorrow, Sunday 22 November at 00:30"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "Friday 3 April|Friday 3 April 2026|3 Apr 2026|00:30|€6.00"),
        ("es", "viernes, 3 de abril|viernes, 3 de abril de 2026|3 abr 2026|0:30|6,00\xa0€"),
        (
            "ca",
            "divendres, 3 d\u2019abril|divendres, 3 d\u2019abril de 2026|3 abr. 2026|0:30|6,00\xa0€",
        ),
    ],
)
def test_filters_in_a_template(app: Flask, code: str, text: str) -> None:
    template = app.jinja_env.from_string(
        "{{ w|day }}|{{ w|long_day }}|{{ w|short_day }}|{{ w|clock_time }}|{{ 600|money('EUR') }}"
    )
    with app.app_context(), reading(code):
        assert template.render(w=datetime(2026, 4, 2, 22, 30, tzinfo=UTC)) == text


def test_a_plain_date_needs_no_time_zone(app: Flask) -> None:
    with app.app_context(), reading("en"):
        assert app.jinja_env.filters["day"](date(2026, 11, 22)) == "Sunday 22 November"


def test_moment_filter_asks_the_clock_where_no_now_is_given(app: Flask) -> None:
    shown = app.jinja_env.filters["moment"]
    with app.app_context(), reading("en"):
        assert shown(NOW) == "Today, Saturday 21 November at 10:00"
        assert shown(NOW, NOW - timedelta(days=1)) == "Tomorrow, Saturday 21 November at 10:00"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("One.\r\n\r\nTwo\nthree", "<p>One.</p><p>Two<br>three</p>"),
        ("Do:\n1. a\n2) b", "<p>Do:</p><ol><li>a</li><li>b</li></ol>"),
        ("3. c\n4. d", '<ol start="3"><li>c</li><li>d</li></ol>'),
        ("- a\n• b\nend", "<ul><li>a</li><li>b</li></ul><p>end</p>"),
        ("<b>&", "<p>&lt;b&gt;&amp;</p>"),
        ("1. <i>", "<ol><li>&lt;i&gt;</li></ol>"),
        ("{0} {x}", "<p>{0} {x}</p>"),
        ("2026. was a year", "<p>2026. was a year</p>"),
        ("  \n ", ""),
    ],
)
def test_paragraphs(text: str, html: str) -> None:
    assert paragraphs(text) == html


@given(st.text(max_size=300))
def test_paragraphs_never_let_a_tag_through(text: str) -> None:
    html = str(paragraphs(text))
    for ours in ("<p>", "</p>", "<br>", "<ol>", "</ol>", "<ul>", "</ul>", "<li>", "</li>"):
        html = html.replace(ours, "")
    assert "<" not in html.replace('<ol start="', "")


@pytest.mark.parametrize(
    ("name", "letters"), [("Josep M.", "JM"), ("aurora", "A"), ("Àngels Vila Puig", "ÀV"), ("", "")]
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_language_name() -> None:
    assert (language_name("ca"), language_name("xx")) == ("Català", "xx")


@pytest.mark.parametrize(
    ("basis_points", "code", "written"),
    [(1500, "en", "15%"), (1250, "en", "12.5%"), (1250, "es", "12,5 %"), (25, "ca", "0,25 %")],
)
def test_a_rate_keeps_its_decimals(basis_points, code, written):
    assert format_rate(basis_points, code).replace("\xa0", " ") == written


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2001-02-30", "20261122", "2026-W47-7", "2026-1-2"]
)
def test_only_a_day_in_its_one_spelling_is_a_date(text):
    assert not is_date(text)
    assert is_date("2026-11-22")
