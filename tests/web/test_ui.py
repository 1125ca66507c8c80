"""The building blocks of the pages: ids that match, escaped words, sums that can be heard."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import StrictUndefined

from upss.web.filters import init_filters
from upss.web.i18n import init_i18n, reading

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("blocks", template_folder=str(ROOT / "templates"))
    app.secret_key = "only for flashes"
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals["csrf_token"] = lambda: "token-1"
    init_i18n(
        app,
        translations_dir=ROOT / "upss" / "translations",
        choose=lambda: None,
        timezone="Europe/Madrid",
    )
    init_filters(app, now=lambda: pytest.fail("no clock here"), timezone="Europe/Madrid")
    return app


def show(app: Flask, block: str, language: str = "en", **values: Any) -> str:
    template = app.jinja_env.from_string('{% import "_parts/ui.html" as ui %}' + block)
    with app.test_request_context("/"), reading(language):
        return re.sub(r"\s+", " ", template.render(**values)).strip()


def test_error_summary_is_silent_without_errors(app: Flask) -> None:
    assert show(app, "{{ ui.error_summary([]) }}") == ""


def test_error_summary_links_each_field_and_counts_in_each_language(app: Flask) -> None:
    two = [("body", "Write <more>"), (None, "Card declined")]
    html = show(app, "{{ ui.error_summary(errors) }}", errors=two)
    assert "There are 2 things to fix" in html
    assert '<a href="#body">Write &lt;more&gt;</a>' in html
    assert "<li>Card declined</li>" in html
    assert 'role="alert"' in html
    assert "tabindex" in html
    one = show(app, "{{ ui.error_summary(errors) }}", "es", errors=two[:1])
    assert "Hay 1 cosa que corregir" in one


@pytest.mark.parametrize(
    "block",
    [
        "{{ ui.text_field('f', 'Label', '<v>', 'Hint', 'Wrong') }}",
        "{{ ui.textarea('f', 'Label', '<v>', 'Hint', 'Wrong', maxlength=10) }}",
        "{{ ui.select('f', 'Label', [('<v>', 'One')], '<v>', 'Hint', 'Wrong') }}",
        "{{ ui.radios('f', 'Label', [('<v>', 'One', 'More'), ('2', 'Two', None)], '<v>', 'Wrong', 'Hint') }}",
        "{{ ui.checkbox('f', 'Label', True, '<v>', 'Wrong', 'Hint') }}",
    ],
)
def test_every_field_is_labelled_described_and_escaped(app: Flask, block: str) -> None:
    html = show(app, block)
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert "f" in ids  # the error summary's link
    assert set(re.findall(r' for="([^"]+)"', html)) <= set(ids)
    described = {one for many in re.findall(r'describedby="([^"]+)"', html) for one in many.split()}
    assert {"f-hint", "f-error"} <= described <= set(ids)
    assert html.index("Hint") < html.index("Wrong") < html.rindex("<v" if "<v" in html else "&lt;v")
    assert "&lt;v&gt;" in html
    assert "<v>" not in html


def test_a_field_without_hint_or_error_says_nothing_more(app: Flask) -> None:
    html = show(app, "{{ ui.text_field('f', 'Label', None) }}")
    assert "aria-" not in html
    assert 'value=""' in html


def test_the_chosen_answer_is_kept(app: Flask) -> None:
    options = [(6, "Small", None), (12, "Big", None)]
    html = show(app, "{{ ui.radios('f', 'L', options, '12') }}", options=options)
    assert re.findall(r'value="(\d+)"( checked)?', html) == [("6", ""), ("12", " checked")]


def test_text_in_a_textarea_keeps_its_first_empty_line(app: Flask) -> None:
    template = app.jinja_env.from_string(
        '{% import "_parts/ui.html" as ui %}{{ ui.textarea("f", "L", "\\nx") }}'
    )
    with app.test_request_context("/"):
        # A browser drops the first line end after the tag: ours, not the writer's.
        assert ">\n\nx</textarea>" in template.render()


def test_post_button_carries_token_fields_and_hidden_words(app: Flask) -> None:
    html = show(
        app, "{{ ui.post_button('/x', 'Give back', 'quiet', {'id': '<7>'}, about='Q & A') }}"
    )
    assert 'method="post" action="/x"' in html
    assert 'name="csrf_token" value="token-1"' in html
    assert 'name="id" value="&lt;7&gt;"' in html
    assert 'Give back<span class="hidden">: Q &amp; A</span></button>' in html


def test_money_bar_says_in_a_table_what_it_draws(app: Flask) -> None:
    parts = [("Answerer", 1020, "answerer"), ("UPSS", 180, "organizer"), ("Fund", 0, "fund")]
    html = show(app, "{{ ui.money_bar(parts, 1200, 'EUR', 'Shared', 'You paid') }}", parts=parts)
    widths = [
        float(width) for width in re.findall(r'class="part \w+" x="[^"]+" width="([\d.]+)%"', html)
    ]
    assert widths == [85.0, 15.0]
    assert re.findall(r"€[\d.]+", html) == ["€10.20", "€1.80", "€0.00", "€12.00"]
    assert html.count("url(#split-hatch)") == 1
    assert show(app, "{{ ui.money_bar([], 0, 'EUR', 'Nothing') }}").count("<rect") == 1


def test_data_table_names_each_cell_for_narrow_screens(app: Flask) -> None:
    html = show(
        app,
        "{{ ui.data_table('All', [('Who', 'text'), ('Paid', 'amount')], [['<A>', '1'], ['B', '']]) }}",
    )
    assert '<th scope="row" data-label="Who">&lt;A&gt;</th>' in html
    assert '<td data-label="Paid" class="amount">1</td>' in html
    assert '<td data-label="Paid" class="amount blank"></td>' in html


def test_steps_say_their_state_in_words(app: Flask) -> None:
    items = [("Paid", "Monday", "done"), ("Writing", None, "now"), ("Read", None, "next")]
    html = show(app, "{{ ui.steps(items) }}", "ca", items=items)
    assert re.findall(r"\((.*?)\)", html) == ["fet", "ara", "per venir"]
    assert html.count("aria-current") == 1


def test_pager_and_flashes(app: Flask) -> None:
    assert show(app, "{{ ui.pager() }}") == ""
    assert show(app, "{{ ui.pager('/o', None) }}").count("<a ") == 1
    template = app.jinja_env.from_string('{% import "_parts/ui.html" as ui %}{{ ui.flashes() }}')
    from flask import flash

    with app.test_request_context("/"):
        flash("Saved <b>", "ok")
        html = template.render()
    assert "Saved &lt;b&gt;" in html
    assert "notice ok" in html


@pytest.mark.parametrize(
    "file",
    [file for file in sorted((ROOT / "templates").rglob("*.html")) if "email" not in file.parts],
    ids=lambda file: file.name,
)
def test_pages_hold_no_inline_style_or_script(file: Path) -> None:
    source = re.sub(r"\{#.*?#\}", "", file.read_text("utf-8"), flags=re.DOTALL)
    # The content security policy would drop these in silence.
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"|javascript:", source)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source)


def test_first_visit_is_light() -> None:
    static = ROOT / "upss" / "static"
    assert len(gzip.compress((static / "upss.js").read_bytes())) <= 5 * 1024
    assert len(gzip.compress((static / "upss.css").read_bytes())) <= 9 * 1024
