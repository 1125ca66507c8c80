"""Which language a visitor reads, how it is kept, and how texts reach the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient

from hatch_build import compile_catalogues
from upss.web.i18n import N_, catalogue, gettext, init_i18n, language_links, ngettext, reading

TRANSLATIONS = Path(__file__).resolve().parents[2] / "upss" / "translations"
PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

#, python-format
msgid "Hello %(name)s"
msgstr "{hello}"

msgid "15%% for <b>us</b>"
msgstr "15%% per <b>nosaltres</b>"

#, python-format
msgid "%(num)s day"
msgid_plural "%(num)s days"
msgstr[0] "%(num)s dia"
msgstr[1] "%(num)s dies"
"""


def folder_of(root: Path, hello: str) -> Path:
    for code in ("es", "ca"):
        folder = root / "upss" / "translations" / code / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "messages.po").write_text(PO.replace("{hello}", hello), "utf-8")
    return root / "upss" / "translations"


def app_with(translations: Path, account: str | None = None) -> Flask:
    app = Flask("languages")
    init_i18n(app, translations_dir=translations, choose=lambda: account, timezone="Europe/Madrid")

    @app.route("/page", methods=["GET", "POST"])
    def page() -> str:
        return render_template_string("{{ locale }} {{ _('Sign in') }}")

    @app.post("/only-post")
    def only_post() -> str:
        return " ".join(link.href for link in language_links())

    @app.get("/links")
    def links() -> dict[str, object]:
        return {link.code: [link.href, link.name, link.is_current] for link in language_links()}

    return app


@pytest.fixture
def visitor() -> FlaskClient:
    return app_with(TRANSLATIONS).test_client()


def test_english_where_nothing_is_known(visitor: FlaskClient) -> None:
    assert visitor.get("/page").text == "en Sign in"


def test_browser_language(visitor: FlaskClient) -> None:
    said = {"Accept-Language": "fr, ca-ES;q=0.8, es;q=0.5"}
    assert visitor.get("/page", headers=said).text == "ca Entra"


def test_address_wins_and_is_kept_in_a_cookie(visitor: FlaskClient) -> None:
    answer = visitor.get("/page?lang=es", headers={"Accept-Language": "ca"})
    assert answer.text == "es Entrar"
    cookie = answer.headers["Set-Cookie"]
    assert "upss_lang=es" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age=31536000" in cookie
    assert "HttpOnly" in cookie
    later = visitor.get("/page", headers={"Accept-Language": "ca"})
    assert later.text == "es Entrar"
    assert "Set-Cookie" not in later.headers


def test_cookie_before_account_before_browser() -> None:
    visitor = app_with(TRANSLATIONS, account="ca").test_client()
    assert visitor.get("/page", headers={"Accept-Language": "es"}).text == "ca Entra"
    visitor.set_cookie("upss_lang", "es")
    assert visitor.get("/page").text == "es Entrar"


@pytest.mark.parametrize("odd", ["fr", "", "../../etc", "es\x00", "ES"])
def test_unknown_languages_are_passed_over(visitor: FlaskClient, odd: str) -> None:
    visitor.set_cookie("upss_lang", "xx")
    answer = visitor.get("/page", query_string={"lang": odd})
    assert answer.text == "en Sign in"
    assert "Set-Cookie" not in answer.headers


def test_answers_say_what_they_depend_on(visitor: FlaskClient) -> None:
    assert visitor.get("/page").vary.to_header() == "Cookie, Accept-Language"


def test_links_keep_the_page_and_its_arguments(visitor: FlaskClient) -> None:
    assert visitor.get("/links?a=1&a=%26&lang=es").json == {
        "en": ["/links?a=1&a=%26&lang=en", "English", False],
        "es": ["/links?a=1&a=%26&lang=es", "Español", True],
        "ca": ["/links?a=1&a=%26&lang=ca", "Català", False],
    }


def test_links_of_a_page_that_cannot_be_read_lead_home(visitor: FlaskClient) -> None:
    assert visitor.post("/only-post?x=1").text == "/?lang=en /?lang=es /?lang=ca"


def test_template_texts_are_markup_and_variables_are_escaped(tmp_path: Path) -> None:
    app = app_with(folder_of(tmp_path, "Hola, <b>%(name)s</b>"))
    template = (
        "{{ _('Hello %(name)s', name='<i>') }}|{% trans name='<i>' %}Hello {{ name }}{% endtrans %}"
    )
    with app.test_request_context("/page?lang=ca"):
        shown = render_template_string(template)
        again = render_template_string("{{ _('15%% for <b>us</b>') }}{{ _('15%% for <b>us</b>') }}")
        counted = render_template_string(
            "{{ ngettext('%(num)s day', '%(num)s days', 1) }} {{ ngettext('%(num)s day', '%(num)s days', 2) }}"
        )
    assert shown == "Hola, <b>&lt;i&gt;</b>|Hola, <b>&lt;i&gt;</b>"
    assert again == "15% per <b>nosaltres</b>" * 2
    assert counted == "1 dia 2 dies"


def test_plain_text_templates_are_not_escaped(tmp_path: Path) -> None:
    app = app_with(folder_of(tmp_path, "Hola, %(name)s"))
    source = "{% autoescape false %}{{ _('Hello %(name)s', name='A & B') }} {{ ngettext('%(num)s day', '%(num)s days', 2) }}{% endautoescape %}"
    with app.app_context(), reading("es"):
        assert render_template_string(source) == "Hola, A & B 2 dies"


def test_templates_imported_without_context_are_translated_too(tmp_path: Path) -> None:
    app = app_with(folder_of(tmp_path, "Hola, %(name)s"))
    # Outside a page's context only the environment's own names are there.
    template = app.jinja_env.from_string(
        "{{ _('Hello %(name)s', name='x') }} {{ ngettext('%(num)s day', '%(num)s days', 1) }}"
    )
    with app.app_context(), reading("ca"):
        assert template.render() == "Hola, x 1 dia"


def test_python_texts(tmp_path: Path) -> None:
    app = app_with(folder_of(tmp_path, "Hola, %(name)s"))
    with app.app_context():
        assert gettext("Hello %(name)s", name="x") == "Hello x"
        with reading("es") as words:
            assert words is catalogue()
            assert gettext("Hello %(name)s", name="x") == "Hola, x"
            assert ngettext("%(num)s day", "%(num)s days", 3) == "3 dies"
        assert catalogue().code == "en"
        with reading("xx"):
            assert catalogue().code == "en"
    assert N_("Sign in") == "Sign in"
    assert catalogue().code == "en"


def test_forms_speak_the_same_language(visitor: FlaskClient) -> None:
    from flask_babel import get_locale

    with visitor.application.test_request_context("/page?lang=ca"):
        assert str(get_locale()) == "ca"


def test_a_changed_source_is_read_before_a_stale_copy(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Antes %(name)s")
    compiled = compile_catalogues(tmp_path)
    assert [file.parent.parent.name for file in compiled] == ["ca", "es"]
    source = folder / "es" / "LC_MESSAGES" / "messages.po"
    fresh = app_with(folder)
    with fresh.app_context(), reading("es"):
        assert gettext("Hello %(name)s", name="x") == "Antes x"
    source.write_text(PO.replace("{hello}", "Ahora %(name)s"), "utf-8")
    later = compiled[1].stat().st_mtime + 5
    import os

    os.utime(source, (later, later))
    with app_with(folder).app_context(), reading("es"):
        assert gettext("Hello %(name)s", name="x") == "Ahora x"


def test_a_wrong_placeholder_fails_the_build(tmp_path: Path) -> None:
    folder_of(tmp_path, "Hola %(nombre)s")
    with pytest.raises(ValueError, match="es: 'Hello %\\(name\\)s'"):
        compile_catalogues(tmp_path)
