"""Every template compiles, is used, and says nothing that is not translated."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest
from flask import Flask
from jinja2 import Environment, StrictUndefined, nodes

from tests.architecture.source import ROOT, TEMPLATES, calls, calls_by_name, modules
from tests.architecture.source import nodes as nodes_of
from tools import catalogue
from upss.notices.rules.messages import MESSAGES

NAMES = sorted(str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*") if file.is_file())
# Names and signs that are the same in every language.
SAME_EVERYWHERE = re.compile(r"UPSS|User Pays Social Service|English|Español|Català|CSV|Stripe")
READ_ALOUD = ("alt", "title", "aria-label", "placeholder", "label", "content")
TRANSLATES = {"_", "gettext", "ngettext", "N_", "pgettext"}


@cache
def _parsed(environment: Environment, source: str) -> nodes.Template:
    return environment.parse(source)


def _templates(app: Flask) -> dict[str, nodes.Template]:
    """Every template, parsed once for all tests."""
    return {name: _parsed(app.jinja_env, _source(name)) for name in NAMES}


def _source(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")


def test_undefined_names_are_errors(app):
    assert app.jinja_env.undefined is StrictUndefined
    assert app.jinja_env.autoescape


def test_every_template_compiles_and_knows_its_filters_and_parts(app):
    for name, parsed in _templates(app).items():
        app.jinja_env.get_template(name)
        for node in parsed.find_all(nodes.Filter):
            assert node.name in app.jinja_env.filters, f"{name}: {node.name}"


def _referred_to(app: Flask) -> set[str]:
    found = {f"email/{mail.template}.txt" for mails in MESSAGES.values() for mail in mails}
    for tree in modules().values():
        found |= {
            node.value for node in nodes_of(tree, ast.Constant) if isinstance(node.value, str)
        }
    for parsed in _templates(app).values():
        for node in parsed.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
            if isinstance(node.template, nodes.Const):
                found.add(node.template.value)
    return found


def test_every_template_is_used(app):
    referred_to = _referred_to(app)
    assert [name for name in NAMES if name not in referred_to] == []


def test_every_page_that_a_view_names_exists():
    named = {
        call.args[0].value
        for path, tree in modules().items()
        if not path.startswith("standin/")
        for call in calls_by_name(tree, "render_template", "template")
        if isinstance(call.args[0], ast.Constant)
    }
    assert len(named) > 20
    assert sorted(named - set(NAMES)) == []


def literal_text(environment: Environment, source: str) -> str:
    """What a template says outside expressions and translated blocks."""
    said: list[str] = []
    translated = False  # or no text at all: a block that fills a class attribute
    statement: list[str] = []
    for _line, kind, value in environment.lex(source):
        if kind == "block_begin":
            statement = []
        elif kind == "block_end":
            words = "".join(statement).split()
            if words and words[0] in ("trans", "endtrans"):
                translated = words[0] == "trans"
            elif words and words[0] in ("block", "endblock"):
                translated = words[-1].endswith("class") and words[0] == "block"
        elif kind == "variable_begin":
            said.append("\0")
        elif kind == "data":
            said += [] if translated else [value]
        else:
            statement.append(value)
    return "".join(said)


def untranslated(environment: Environment, source: str) -> list[str]:
    """Words that a reader would meet in English in every language."""
    text = re.sub(
        r"(?s)<(script|style)\b.*?</\1>|<!--.*?-->|<!doctype[^>]*>",
        " ",
        literal_text(environment, source),
    )
    # the second alternative: attributes that a macro adds to a tag
    spoken = [re.sub(r"(?s)<[^>]*>|\s[a-z][a-z-]+=\"[^\"]*\"|&\w+;", " ", text)]
    for name in READ_ALOUD:
        spoken += re.findall(rf"(?s)<(?!meta)[^>]*\s{name}=\"([^\"]*)\"", text)
    found = re.findall(r"[^\W\d_]{2,}", SAME_EVERYWHERE.sub(" ", " ".join(spoken)))
    for call_or_text in _parsed(environment, source).find_all(nodes.Output):
        found += _untranslated_arguments(call_or_text)
    return found


def _untranslated_arguments(node: nodes.Node) -> list[str]:
    """Sentences in expressions, such as a macro's label, that no gettext call holds."""
    found: list[str] = []
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Call) and getattr(child.node, "name", "") in TRANSLATES:
            continue
        if isinstance(child, nodes.Filter) and getattr(child.node, "name", "") in TRANSLATES:
            continue
        if isinstance(child, nodes.Const) and isinstance(child.value, str):
            if re.match(r"[A-Z][a-z]+( [a-z]+|$)", SAME_EVERYWHERE.sub("", child.value)):
                found.append(child.value)
        elif not isinstance(child, nodes.TemplateData):
            found += _untranslated_arguments(child)
    return found


def test_no_template_says_a_word_that_is_not_translated(app):
    wrong = {}
    for name in NAMES:
        words = untranslated(app.jinja_env, _source(name))
        if words:
            wrong[name] = words[:8]
    assert not wrong


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello there</p>",
        '<img alt="A fridge">',
        "{% if true %}Yes it is{% endif %}",
        "{{ ui.button('Save it') }}",
        "{% trans %}said{% endtrans %} unsaid",
    ],
)
def test_an_untranslated_word_is_noticed(app, source):
    assert untranslated(app.jinja_env, source)


def test_what_is_translated_is_not_noticed(app):
    source = """<p class="large note" id="x">{{ _("Hello there") }} &nbsp; {{ name|upper }}</p>
        {% trans %}All of this{% endtrans %} <a href="/ask">{{ ui.button(_("Save it")) }}</a>"""
    assert untranslated(app.jinja_env, source) == []


def test_no_view_says_a_word_that_is_not_translated():
    wrong = [
        f"{path}:{call.lineno}"
        for path, tree in modules().items()
        if not path.startswith("standin/")
        for call in calls_by_name(tree, "flash")
        if isinstance(call.args[0], ast.Constant | ast.JoinedStr)
    ]
    assert wrong == []


def test_gettext_is_given_plain_texts():
    """A text made of parts, or with an amount inside, cannot be found in a catalogue."""
    wrong = [
        f"{path}:{call.lineno}"
        for path, tree in modules().items()
        for call in calls_by_name(tree, *TRANSLATES)
        if call.args and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    ]
    assert wrong == []


def test_every_text_is_translated_and_no_old_one_is_kept():
    """One test, as collecting the texts takes longer than looking at them."""
    template = catalogue.extract()
    texts = {message.id for message in template} - {""}
    for language in catalogue.LANGUAGES:
        assert catalogue.problems(language, template) == []
        known = {message.id for message in catalogue.read(language)} - {""}
        assert known == texts, language


def test_no_page_asks_another_machine_for_anything():
    outside = re.compile(r"(?:src|href|action)=\"(?:https?:)?//|@import|url\(['\"]?(?:https?:)?//")
    files = [TEMPLATES / name for name in NAMES] + list((ROOT / "upss" / "static").glob("*.css"))
    assert [str(file) for file in files if outside.search(file.read_text("utf-8"))] == []


def test_calls_of_flash_are_seen():
    assert any(calls_by_name(modules()["organizer/views.py"], "flash"))
    assert any(calls(modules()["payouts/tasks.py"], "commit"))
