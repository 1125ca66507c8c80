"""Settings: every wrong variable named at once, and what production, sandbox and demo refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from upss.config import BadSettings, Mode, Settings

GOOD = {
    "UPSS_BASE_URL": "https://answers.example.org/",
    "UPSS_SECRET_KEY": "s" * 32,
    "UPSS_STRIPE_KEY": "sk_live_1",
    "UPSS_STRIPE_WEBHOOK_SECRET": "whsec_1",
    "UPSS_SMTP_HOST": "mail.example.org",
    "UPSS_MAIL_FROM": "help@example.org",
    "UPSS_ORGANIZER_NAME": "Cooperativa Exemple",
    "UPSS_HELP_PHONE": "900 000 000",
    "UPSS_HELP_MAIL": "help@example.org",
    "UPSS_PROXIES": "1",
}
TEST = {**GOOD, "UPSS_MODE": "sandbox", "UPSS_STRIPE_KEY": "sk_test_1"}


def problems(environ):
    with pytest.raises(BadSettings) as caught:
        Settings.from_env(environ)
    for name in caught.value.problems:
        assert name in str(caught.value)
    return set(caught.value.problems)


def test_production_is_what_one_gets_without_asking():
    settings = Settings.from_env(GOOD)
    assert settings.mode is Mode.PRODUCTION
    assert settings.base_url == "https://answers.example.org"
    assert settings.is_secure
    assert not settings.is_stand_in
    assert settings.database_url is settings.database_owner_url is None
    assert settings.instance == Path("instance").absolute()
    assert (settings.smtp_port, settings.smtp_tls) == (587, "starttls")
    assert (settings.country, settings.timezone) == ("ES", "Europe/Madrid")
    assert settings.stripe_checkout_origin == "https://checkout.stripe.com"


def test_an_empty_environment_names_all_that_is_missing():
    assert problems({}) == set(GOOD)


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("value", ["", "   "])
def test_a_missing_variable_is_named_alone(name, value):
    assert problems({**GOOD, name: value}) == {name}


WRONG = {
    "UPSS_MODE": "live",
    "UPSS_DATABASE_URL": "mysql://localhost/upss",
    "UPSS_DATABASE_OWNER_URL": "sqlite:///upss.db",
    "UPSS_BASE_URL": "answers.example.org",
    "UPSS_SMTP_PORT": "smtp",
    "UPSS_SMTP_TLS": "maybe",
    "UPSS_TIMEZONE": "Madrid",
    "UPSS_SECRET_KEY": "s" * 31,
    "UPSS_STRIPE_KEY": "sk_test_1",
    "UPSS_STRIPE_WEBHOOK_SECRET": "secret",
    "UPSS_STRIPE_API_BASE": "http://127.0.0.1:12111",
    "UPSS_STRIPE_CHECKOUT_ORIGIN": "http://127.0.0.1:12111",
    "UPSS_HELP_PHONE": "",
    "UPSS_HELP_MAIL": "help",
    "UPSS_HELP_HOURS": "99:99-99:99",
    "UPSS_MAIL_FROM": "Answers",
    "UPSS_COUNTRY": "es",
    "UPSS_PROXIES": "all",
}


def test_every_wrong_variable_is_named_at_once():
    assert problems({**GOOD, **WRONG}) == set(WRONG)


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_variable_is_named_alone(name):
    assert problems({**GOOD, name: WRONG[name]}) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UPSS_BASE_URL", "http://answers.example.org"),
        ("UPSS_BASE_URL", "ftp://answers.example.org"),
        ("UPSS_BASE_URL", "https://"),
        ("UPSS_BASE_URL", "https://[answers"),
        ("UPSS_SMTP_PORT", "0"),
        ("UPSS_SMTP_PORT", "65536"),
        ("UPSS_SMTP_PORT", "-1"),
        ("UPSS_STRIPE_KEY", "pk_live_1"),
        ("UPSS_STRIPE_API_BASE", "https://api.stripe.com.example.org"),
        ("UPSS_STRIPE_API_BASE", "https://api.stripe.com@127.0.0.1"),
        ("UPSS_STRIPE_API_BASE", "http://api.stripe.com"),
        ("UPSS_STRIPE_API_BASE", "https://[stripe"),
        ("UPSS_STRIPE_CHECKOUT_ORIGIN", "https://[checkout"),
        ("UPSS_BASE_URL", "https://answers.example.org:http"),
        ("UPSS_BASE_URL", "https://answers.example.org:65536"),
        ("UPSS_BASE_URL", "https://answers.example.org/forum"),
        ("UPSS_BASE_URL", "https://answers.example.org/?"),
        ("UPSS_BASE_URL", "https://answers.example.org?a=b"),
        ("UPSS_BASE_URL", "https://answers.example.org/#top"),
        ("UPSS_BASE_URL", "https://me:secret@answers.example.org"),
        ("UPSS_BASE_URL", "https://answers. example.org"),
        ("UPSS_DATABASE_URL", "postgresql://u:p@db:port/upss"),
        ("UPSS_DATABASE_URL", "postgresql://u:p@db:65536/upss"),
        ("UPSS_DATABASE_URL", "postgresql://u:p@db:0/upss"),
        ("UPSS_DATABASE_URL", "postgresql:u:p@db/upss"),
        ("UPSS_DATABASE_OWNER_URL", "postgresql://u:p@db:/upss"),
        ("UPSS_MAIL_FROM", "help@example"),
        ("UPSS_MAIL_FROM", "Answers help@example.org"),
        ("UPSS_MAIL_FROM", "Answers <help@example.org"),
        ("UPSS_MAIL_FROM", "Answers <help>"),
        ("UPSS_MAIL_FROM", "Answers, Inc. <help@example.org>"),
        ("UPSS_MAIL_FROM", "Answers: help@example.org;"),
        ("UPSS_MAIL_FROM", "help@example.org, more@example.org"),
        ("UPSS_MAIL_FROM", "help@example.org <more@example.org>"),
        ("UPSS_MAIL_FROM", "Answers\nBcc <help@example.org>"),
        ("UPSS_MAIL_FROM", "Answers <ajuda@caf\u00e8.example.org>"),
        ("UPSS_HELP_MAIL", "Answers <help@example.org>"),
        ("UPSS_HELP_MAIL", "help@example.org, more@example.org"),
        ("UPSS_HELP_HOURS", "24:00-25:00"),
        ("UPSS_HELP_HOURS", "10:60-20:00"),
        ("UPSS_HELP_HOURS", "10-20"),
        ("UPSS_COUNTRY", "ESP"),
        ("UPSS_COUNTRY", "Spain"),
        ("UPSS_COUNTRY", "XX"),
        ("UPSS_COUNTRY", "UK"),
        ("UPSS_COUNTRY", "34"),
        ("UPSS_PROXIES", "-1"),
        ("UPSS_PROXIES", "10"),
    ],
)
def test_production_refuses(name, value):
    assert problems({**GOOD, name: value}) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UPSS_BASE_URL", "https://answers.example.org:8443/"),
        ("UPSS_DATABASE_URL", "postgresql://u:p%2F#?@db:5433/upss?sslmode=require"),
        ("UPSS_DATABASE_URL", "postgresql://u:p@/upss?host=/run/postgresql"),
        ("UPSS_MAIL_FROM", "Answers <help@example.org>"),
        ("UPSS_MAIL_FROM", "Cafè S.L. <help@example.org>"),
        ("UPSS_MAIL_FROM", '"Answers, Inc." <help@example.org>'),
        ("UPSS_MAIL_FROM", "<help@example.org>"),
        ("UPSS_HELP_HOURS", "9:00-14:30"),
        ("UPSS_HELP_HOURS", "00:00-24:00"),
        ("UPSS_COUNTRY", "GB"),
        ("UPSS_COUNTRY", ""),
        ("UPSS_PROXIES", "0"),
        ("UPSS_PROXIES", "2"),
    ],
)
def test_production_takes(name, value):
    Settings.from_env({**GOOD, name: value})


def test_production_is_told_what_the_number_of_proxies_is_for():
    without = {name: value for name, value in GOOD.items() if name != "UPSS_PROXIES"}
    with pytest.raises(BadSettings, match=r"UPSS_PROXIES: .*proxies.*limits") as caught:
        Settings.from_env(without)
    assert set(caught.value.problems) == {"UPSS_PROXIES"}


@pytest.mark.parametrize("mode", ["demo", "sandbox"])
def test_elsewhere_no_proxy_is_the_default(mode):
    without = {name: value for name, value in TEST.items() if name != "UPSS_PROXIES"}
    assert Settings.from_env({**without, "UPSS_MODE": mode}).proxies == 0


@pytest.mark.parametrize("port", ["canary", "70000"])
def test_a_wrong_database_address_does_not_show_its_password(port):
    wrong = f"postgresql://upss:canary@db:{port}/upss"
    with pytest.raises(BadSettings) as caught:
        Settings.from_env({**GOOD, "UPSS_DATABASE_URL": wrong})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
@pytest.mark.parametrize("mode", ["demo", "sandbox"])
def test_a_live_key_is_for_production_only(mode, key):
    assert problems({**TEST, "UPSS_MODE": mode, "UPSS_STRIPE_KEY": key}) == {"UPSS_STRIPE_KEY"}
    Settings.from_env({**GOOD, "UPSS_STRIPE_KEY": key})


def test_sandbox_and_demo_may_use_plain_http_and_a_stand_in():
    local = {
        **TEST,
        "UPSS_MODE": "demo",
        "UPSS_BASE_URL": "http://127.0.0.1:8000",
        "UPSS_SECRET_KEY": "short",
        "UPSS_STRIPE_API_BASE": "http://127.0.0.1:12111",
        "UPSS_STRIPE_CHECKOUT_ORIGIN": "http://127.0.0.1:12111",
    }
    settings = Settings.from_env(local)
    assert settings.is_stand_in
    assert not settings.is_secure


def test_an_address_that_cannot_be_read_is_named_in_every_mode():
    assert problems({**TEST, "UPSS_STRIPE_API_BASE": "http://[x"}) == {"UPSS_STRIPE_API_BASE"}


def test_stripe_under_its_own_address_is_no_stand_in():
    settings = Settings.from_env({**GOOD, "UPSS_STRIPE_API_BASE": "https://api.stripe.com"})
    assert not settings.is_stand_in, "real money under a banner that denies it"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_any_spelling_of_postgresql_is_understood(scheme):
    settings = Settings.from_env({**GOOD, "UPSS_DATABASE_URL": f"{scheme}://u:p@db/upss"})
    assert settings.database_url == "postgresql+psycopg://u:p@db/upss"


def test_secrets_are_not_shown():
    secret = {
        "UPSS_SECRET_KEY": "canary-secret-" + "s" * 32,
        "UPSS_STRIPE_KEY": "sk_live_canary",
        "UPSS_STRIPE_WEBHOOK_SECRET": "whsec_canary",
        "UPSS_SMTP_PASSWORD": "canary",
        "UPSS_DATABASE_URL": "postgresql://upss:canary@db/upss",
        "UPSS_DATABASE_OWNER_URL": "postgresql://owner:canary@db/upss",
    }
    assert "canary" not in repr(Settings.from_env({**GOOD, **secret}))
