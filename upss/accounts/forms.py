"""What people type to sign in and to change their settings."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, ValidationError

from upss.accounts.rules.sign_in import digits_of
from upss.accounts.service import BadEmail, normal_email
from upss.web.i18n import LANGUAGES, gettext

_LONGEST_NAME = 80


class SignInForm(FlaskForm):  # type: ignore[misc]
    """An address, and the page that was wanted."""

    email = StringField()
    next = HiddenField()

    def validate_email(self, field: StringField) -> None:
        """Refuse what no mail can be sent to."""
        try:
            normal_email(field.data or "")
        except BadEmail:
            message = gettext("Write your e-mail address, such as name@example.org")
            raise ValidationError(message) from None

    @property
    def address(self) -> str:
        """The checked address in its normal form."""
        return normal_email(self.email.data or "")


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The code of the mail."""

    code = StringField()

    def validate_code(self, field: StringField) -> None:
        """Ask for eight digits before a try is counted."""
        typed = digits_of(field.data or "")
        if not (typed.isascii() and typed.isdecimal() and len(typed) == 8):
            raise ValidationError(gettext("Write the 8 digits from our mail"))


class SettingsForm(FlaskForm):  # type: ignore[misc]
    """The name that others see, and the language of pages and mails."""

    name = StringField()
    language = StringField()

    def validate_name(self, field: StringField) -> None:
        """Ask for one line that is not empty."""
        typed = (field.data or "").strip()
        if not typed or not typed.isprintable():
            raise ValidationError(gettext("Write your name"))
        if len(typed) > _LONGEST_NAME:
            raise ValidationError(gettext("Write a name of at most 80 letters"))

    def validate_language(self, field: StringField) -> None:
        """Refuse a language that UPSS does not speak."""
        if field.data not in LANGUAGES:
            raise ValidationError(gettext("Choose a language"))


def errors_of(form: Any) -> list[tuple[str, str]]:
    """Return (field, first message) of each wrong field, for the error summary."""
    return [(name, str(messages[0])) for name, messages in form.errors.items() if name]
