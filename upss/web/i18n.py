"""Languages: which one a visitor reads, and its catalogue, loaded once and bound once a request."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import g, has_app_context, has_request_context, request
from flask_babel import Babel
from jinja2 import pass_eval_context
from markupsafe import Markup

from upss.web.ports import extension

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from flask import Flask, Response
    from jinja2.nodes import EvalContext

LANGUAGES: Mapping[str, str] = {"en": "English", "es": "Español", "ca": "Català"}
DEFAULT = "en"
COOKIE = "upss_lang"
_KEY = "upss_languages"
_COOKIE_SECONDS = 365 * 24 * 3600


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for this mark
    """Mark a text for translation where it is written; it is translated where it is shown."""
    return message


@dataclass(frozen=True, slots=True)
class LanguageLink:
    """The page that is being read, in one language."""

    code: str
    name: str
    href: str
    is_current: bool


class Catalogue:
    """The texts of one language; its methods are bound into each page's context.

    Templates always treat a text as a format (a percent sign is written `%%`), as Jinja's
    newstyle gettext does; Python code does so only when it passes variables.
    """

    def __init__(self, code: str, translations: NullTranslations) -> None:
        self.code = code
        self._one = translations.gettext
        self._many = translations.ngettext
        self._markup: dict[str, Markup] = {}

    def gettext(self, message: str, /, **variables: object) -> str:
        """Translate `message` and fill in `variables`."""
        text = self._one(message)
        return text % variables if variables else text

    def ngettext(self, one: str, many: str, num: int, /, **variables: object) -> str:
        """Translate the form that fits `num`, which is also the variable `num`."""
        return self._many(one, many, num) % {"num": num, **variables}

    @pass_eval_context
    def in_template(self, context: EvalContext, message: str, /, **variables: object) -> str:
        """Translate inside a template: our text is markup, the variables are escaped."""
        if not context.autoescape:
            return self._one(message) % variables
        if variables:
            return Markup(self._one(message)) % variables  # noqa: S704 - catalogues are ours
        known = self._markup.get(message)
        if known is None:
            known = self._markup[message] = Markup(self._one(message)) % ()  # noqa: S704
        return known

    @pass_eval_context
    def many_in_template(
        self, context: EvalContext, one: str, many: str, num: int, /, **variables: object
    ) -> str:
        """Translate the form that fits `num` inside a template."""
        text = self._many(one, many, num)
        filled = {"num": num, **variables}
        return Markup(text) % filled if context.autoescape else text % filled  # noqa: S704

    def template_names(self) -> dict[str, Any]:
        """Return what a template calls, bound to this language."""
        return {
            "_": self.in_template,
            "gettext": self.in_template,
            "ngettext": self.many_in_template,
        }


class _Languages:
    """The catalogues of one application and its rule for choosing among them."""

    def __init__(self, folder: Path, choose: Callable[[], str | None]) -> None:
        self.catalogues = {code: Catalogue(code, _load(folder, code)) for code in LANGUAGES}
        self.choose = choose

    def for_request(self) -> Catalogue:
        """Choose: asked for in the address, cookie, account, browser, English."""
        if not has_request_context():
            return self.catalogues[DEFAULT]
        code = request.args.get("lang")
        if code not in LANGUAGES:
            code = request.cookies.get(COOKIE)
        if code not in LANGUAGES:
            code = self.choose()
        if code not in LANGUAGES:
            code = _of_browser()
        return self.catalogues[str(code)]


def _of_browser() -> str:
    """Return the visitor's favourite among ours; "ca-ES" asks for Catalan as "ca" does."""
    # Werkzeug's best_match would take a less wanted exact tag ("es") before "ca-ES".
    for tag, quality in request.accept_languages:
        primary = tag.partition("-")[0].lower()
        if quality > 0 and primary in LANGUAGES:
            return primary
    return DEFAULT


def _load(folder: Path, code: str) -> NullTranslations:
    """Read the compiled catalogue, or the source where that is newer (a checkout)."""
    if code == DEFAULT:
        return NullTranslations()
    source = folder / code / "LC_MESSAGES" / "messages.po"
    compiled = source.with_suffix(".mo")
    stale = not compiled.exists() or (
        source.exists() and source.stat().st_mtime > compiled.stat().st_mtime
    )
    file = source if stale else compiled
    return _read(file, file.stat().st_mtime_ns, code)


@lru_cache(maxsize=8)
def _read(file: Path, _changed: int, code: str) -> NullTranslations:
    """Read a catalogue once for each state of its file: a process may make several applications."""
    with file.open("rb") as given:
        if file.suffix == ".mo":
            return Translations(given)
        catalogue = read_po(given, locale=code)
    binary_copy = BytesIO()
    write_mo(binary_copy, catalogue)
    binary_copy.seek(0)
    return Translations(binary_copy)


_UNTRANSLATED = Catalogue(DEFAULT, NullTranslations())


def catalogue() -> Catalogue:
    """Return the catalogue of this request or job; chosen at its first use."""
    if not has_app_context():
        return _UNTRANSLATED
    found: Catalogue | None = g.get("upss_catalogue")
    if found is None:
        found = g.upss_catalogue = _installed().for_request()
    return found


def gettext(message: str, /, **variables: object) -> str:
    """Translate `message` into the reader's language."""
    return catalogue().gettext(message, **variables)


def ngettext(one: str, many: str, num: int, /, **variables: object) -> str:
    """Translate the form that fits `num`."""
    return catalogue().ngettext(one, many, num, **variables)


@contextmanager
def reading(code: str) -> Iterator[Catalogue]:
    """Speak `code` for a while: a mail in its reader's language. Needs an application context."""
    before = g.get("upss_catalogue")
    g.upss_catalogue = _installed().catalogues.get(code) or _installed().catalogues[DEFAULT]
    try:
        yield g.upss_catalogue
    finally:
        g.upss_catalogue = before


def language_links() -> list[LanguageLink]:
    """Return this page's address in every language."""
    rule = request.url_rule
    readable = rule is not None and "GET" in (rule.methods or ())
    path = request.path if readable else "/"
    kept = [item for item in request.args.items(multi=True) if readable and item[0] != "lang"]
    current = catalogue().code
    return [
        LanguageLink(code, name, f"{path}?{urlencode([*kept, ('lang', code)])}", code == current)
        for code, name in LANGUAGES.items()
    ]


def init_i18n(
    app: Flask, *, translations_dir: Path, choose: Callable[[], str | None], timezone: str
) -> None:
    """Give `app` its languages.

    `choose` returns the language of the signed-in account, or None; it is asked only where
    neither the address nor the cookie says anything. Flask-Babel stays for the forms library,
    which takes its messages' language from it.
    """
    app.extensions[_KEY] = _Languages(translations_dir, choose)
    Babel(
        app,
        configure_jinja=False,
        default_timezone=timezone,
        locale_selector=lambda: catalogue().code,
    )
    app.jinja_env.add_extension("jinja2.ext.i18n")
    # The compiler must know the newstyle; the bound functions of the page's context come first.
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.newstyle_gettext = True  # type: ignore[attr-defined]
    app.jinja_env.globals.update(_late_names())
    app.context_processor(_page_context)
    app.after_request(_finish)


def _late_names() -> dict[str, Any]:
    """Return names for templates that are imported without a page's context."""

    @pass_eval_context
    def one(context: EvalContext, message: str, /, **variables: object) -> str:
        return catalogue().in_template(context, message, **variables)

    @pass_eval_context
    def many(
        context: EvalContext, single: str, plural: str, num: int, /, **variables: object
    ) -> str:
        return catalogue().many_in_template(context, single, plural, num, **variables)

    return {"_": one, "gettext": one, "ngettext": many}


def _page_context() -> dict[str, Any]:
    """Give every page its language: names for texts, the code, the switch."""
    spoken = catalogue()
    return {
        **spoken.template_names(),
        "locale": spoken.code,
        "languages": language_links() if has_request_context() else [],
    }


def _finish(response: Response) -> Response:
    """Keep a language that was asked for; say what the answer depends on."""
    if g.get("upss_catalogue") is not None:
        response.vary.update(("Cookie", "Accept-Language"))
    asked = request.args.get("lang")
    # Also where the answer says nothing itself: a redirect leads on in that language.
    if asked is not None and asked in LANGUAGES:
        response.set_cookie(
            COOKIE,
            asked,
            max_age=_COOKIE_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=request.is_secure,
        )
    return response


def _installed() -> _Languages:
    languages: _Languages = extension(_KEY)
    return languages
