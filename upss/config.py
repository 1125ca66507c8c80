"""Settings from the environment: read once, checked all at once, frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from typing_extensions import override

from upss.kernel.errors import UpssError

STRIPE_HOSTS = frozenset({"api.stripe.com"})
_MIN_SECRET = 32
_LAST_PORT = 65_535
_TIME = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
_HOURS = re.compile(rf"{_TIME}-(?:{_TIME}|24:00)")
_BEYOND_A_HOST = re.compile(r"[?#@\s]")
# A name, in quotes where it has signs that would divide addresses, and <the address>; or only that.
_SENDER = re.compile(r'(?:"[^"\\]+"\s*|[^"\\<>()\[\]@,;:]*)<([^<>]+)>|([^<>]+)')


class Mode(StrEnum):
    """Production is the default and the strictest; sandbox uses Stripe's test keys."""

    DEMO = "demo"
    SANDBOX = "sandbox"
    PRODUCTION = "production"


class BadSettings(UpssError):
    """Names every wrong variable at once; `problems` maps the variable to what to do."""

    code = "bad_settings"

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(problems=dict(problems))
        self.problems = dict(problems)

    @override
    def __str__(self) -> str:
        lines = [f"  {name}: {what}" for name, what in self.problems.items()]
        return "UPSS cannot start with these settings:\n" + "\n".join(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything that UPSS reads from its environment; see docs/operating.md for each."""

    mode: Mode
    instance: Path
    # None: the embedded server in the instance folder; not shown, because it holds a password
    database_url: str | None = field(repr=False)
    database_owner_url: str | None = field(repr=False)
    base_url: str
    secret_key: str = field(repr=False)
    stripe_key: str = field(repr=False)
    stripe_webhook_secret: str = field(repr=False)
    stripe_api_base: str | None
    stripe_checkout_origin: str
    smtp_host: str
    smtp_port: int
    smtp_user: str
    smtp_password: str = field(repr=False)
    smtp_tls: str  # "none", "starttls" or "tls"
    mail_from: str
    organizer_name: str
    organizer_details: str  # address and tax number, for receipts
    help_phone: str
    help_mail: str
    help_hours: str  # such as 10:00-20:00; empty: not shown
    proxies: int  # how many of our own proxies stand before the pages
    country: str
    timezone: str

    @property
    def is_stand_in(self) -> bool:
        """The payment provider's address is not Stripe's: no real money moves."""
        api = self.stripe_api_base
        return api is not None and urlsplit(api).hostname not in STRIPE_HOSTS

    @property
    def is_secure(self) -> bool:
        """Pages are served over https."""
        return self.base_url.startswith("https://")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read and check; raises `BadSettings` that names every wrong variable."""
        reader = _Reader(environ)
        mode = reader.mode()
        settings = cls(
            mode=mode,
            instance=Path(environ.get("UPSS_INSTANCE") or "instance").absolute(),
            database_url=reader.database("UPSS_DATABASE_URL"),
            database_owner_url=reader.database("UPSS_DATABASE_OWNER_URL"),
            base_url=reader.site("UPSS_BASE_URL"),
            secret_key=reader.required("UPSS_SECRET_KEY"),
            stripe_key=reader.required("UPSS_STRIPE_KEY"),
            stripe_webhook_secret=reader.required("UPSS_STRIPE_WEBHOOK_SECRET"),
            stripe_api_base=reader.address_or("UPSS_STRIPE_API_BASE", "") or None,
            stripe_checkout_origin=reader.address_or(
                "UPSS_STRIPE_CHECKOUT_ORIGIN", "https://checkout.stripe.com"
            ),
            smtp_host=reader.required("UPSS_SMTP_HOST"),
            smtp_port=reader.port("UPSS_SMTP_PORT", default=587),
            smtp_user=environ.get("UPSS_SMTP_USER", ""),
            smtp_password=environ.get("UPSS_SMTP_PASSWORD", ""),
            smtp_tls=reader.one_of("UPSS_SMTP_TLS", ("starttls", "tls", "none")),
            mail_from=reader.sender("UPSS_MAIL_FROM"),
            organizer_name=reader.required("UPSS_ORGANIZER_NAME"),
            organizer_details=environ.get("UPSS_ORGANIZER_DETAILS", "").strip(),
            help_phone=reader.required("UPSS_HELP_PHONE"),
            help_mail=reader.mail("UPSS_HELP_MAIL"),
            help_hours=reader.hours("UPSS_HELP_HOURS"),
            proxies=reader.proxies("UPSS_PROXIES", is_needed=mode is Mode.PRODUCTION),
            country=reader.country("UPSS_COUNTRY", default="ES"),
            timezone=reader.zone("UPSS_TIMEZONE", default="Europe/Madrid"),
        )
        if mode is Mode.PRODUCTION:
            _check_production(settings, reader.problems)
        elif settings.stripe_key and _is_live(settings.stripe_key):
            reader.problems["UPSS_STRIPE_KEY"] = "a live key is for UPSS_MODE=production only"
        if reader.problems:
            raise BadSettings(reader.problems)
        return settings


@dataclass(slots=True)
class _Reader:
    environ: Mapping[str, str]
    problems: dict[str, str] = field(default_factory=dict)

    def required(self, name: str) -> str:
        value = self.environ.get(name, "").strip()
        if not value:
            self.problems[name] = "is missing"
        return value

    def mode(self) -> Mode:
        value = self.environ.get("UPSS_MODE") or Mode.PRODUCTION
        if value not in list(Mode):
            self.problems["UPSS_MODE"] = "must be production, sandbox or demo"
            return Mode.PRODUCTION
        return Mode(value)

    def database(self, name: str) -> str | None:
        value = self.environ.get(name, "").strip()
        if not value:
            return None
        scheme, _, rest = value.partition("://")
        address = "postgresql+psycopg://" + rest
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
            self.problems[name] = "must start with postgresql://"
        elif not _is_database(address):
            self.problems[name] = (
                "must be an address such as postgresql://name:password@host:5432/upss"
            )
        return address

    def site(self, name: str) -> str:
        """Return the address of a host without the last slash: our own paths go behind it."""
        value = self._readable(name, self.required(name))
        if urlsplit(value).path.strip("/") or _BEYOND_A_HOST.search(value):
            self.problems[name] = "must end after the host, such as https://answers.example.org"
            return ""
        return value.rstrip("/")

    def address_or(self, name: str, default: str) -> str:
        return self._readable(name, self.environ.get(name, "").strip() or default)

    def _readable(self, name: str, value: str) -> str:
        """Return the address; an empty text where it is none, so that it is named only once."""
        try:
            parts = urlsplit(value)
            has_host = bool(parts.hostname) and parts.port != 0
            is_readable = has_host and parts.scheme in {"http", "https"}
        except ValueError:  # a bracket that is not closed or a port that is none
            is_readable = False
        if value and not is_readable:
            self.problems[name] = "must be an address such as https://answers.example.org"
        return value if is_readable else ""

    def port(self, name: str, *, default: int) -> int:
        value = self.environ.get(name) or str(default)
        if not value.isdecimal() or not 0 < int(value) <= _LAST_PORT:
            self.problems[name] = "must be a port number"
            return default
        return int(value)

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.environ.get(name) or allowed[0]
        if value not in allowed:
            self.problems[name] = "must be one of " + ", ".join(allowed)
        return value

    def mail(self, name: str) -> str:
        value = self.required(name)
        if value and not _is_mail(value):
            self.problems[name] = "must be one public mail address such as help@example.org"
        return value

    def sender(self, name: str) -> str:
        value = self.required(name)
        if value and not _is_sender(value):
            self.problems[name] = (
                "must be one public mail address, perhaps with a name: Answers <help@example.org>"
                ' or "Answers, Inc." <help@example.org>'
            )
        return value

    def hours(self, name: str) -> str:
        value = self.environ.get(name, "").strip()
        if value and not _HOURS.fullmatch(value):
            self.problems[name] = "must be hours such as 10:00-20:00"
        return value

    def proxies(self, name: str, *, is_needed: bool) -> int:
        """Return how many proxies stand in front; where it is needed, even 0 must be said."""
        value = self.environ.get(name, "").strip() or ("" if is_needed else "0")
        if not value.isdecimal() or int(value) > 9:
            self.problems[name] = (
                "must say how many of your own proxies stand before the pages (0 to 9, usually 1):"
                " with too few, all visitors share one address and its limits"
            )
            return 0
        return int(value)

    def country(self, name: str, *, default: str) -> str:
        value = self.environ.get(name) or default
        if not re.fullmatch("[A-Z]{2}", value) or value not in Locale("en").territories:
            self.problems[name] = "must be the two capital letters of a country, such as ES"
        return value

    def zone(self, name: str, *, default: str) -> str:
        value = self.environ.get(name) or default
        if value not in available_timezones():
            self.problems[name] = "must be a time zone such as Europe/Madrid"
            return default
        return ZoneInfo(value).key


def _is_database(address: str) -> bool:
    """Tell whether the libraries can read the address; what they say may show the password."""
    try:
        port = make_url(address).port
    except (ArgumentError, ValueError):
        return False
    return port is None or 0 < port <= _LAST_PORT


def _is_mail(text: str) -> bool:
    """Tell whether `text` is one mail address that every mail server takes."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return text.isascii()


def _is_sender(text: str) -> bool:
    """Tell whether `text` is one mail address, perhaps with a name, that a header can carry."""
    found = _SENDER.fullmatch(text)
    return found is not None and text.isprintable() and _is_mail(found[1] or found[2])


def _is_live(key: str) -> bool:
    return key.startswith(("sk_live_", "rk_live_"))


def _check_production(settings: Settings, problems: dict[str, str]) -> None:
    """Add what production refuses: a stand-in, test keys, plain http, a weak secret."""
    api = settings.stripe_api_base
    if settings.is_stand_in or (api is not None and urlsplit(api).scheme != "https"):
        problems["UPSS_STRIPE_API_BASE"] = "production talks to Stripe itself: remove it"
    if settings.stripe_key and not _is_live(settings.stripe_key):
        problems["UPSS_STRIPE_KEY"] = "production needs a live key (sk_live_ or rk_live_)"
    if settings.base_url and not settings.is_secure:
        problems["UPSS_BASE_URL"] = "production needs https"
    if settings.secret_key and len(settings.secret_key) < _MIN_SECRET:
        problems["UPSS_SECRET_KEY"] = f"needs at least {_MIN_SECRET} random characters"
    secret = settings.stripe_webhook_secret
    if secret and not secret.startswith("whsec_"):
        problems["UPSS_STRIPE_WEBHOOK_SECRET"] = "is not a webhook secret (whsec_...)"  # noqa: S105
    if settings.stripe_checkout_origin.startswith("http:"):
        problems["UPSS_STRIPE_CHECKOUT_ORIGIN"] = "production needs https"
