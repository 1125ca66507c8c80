"""The mailer: one multipart message over SMTP from the standard library."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from upss.kernel.errors import MailNotSent, MailRefused, UpssError

if TYPE_CHECKING:
    from upss.config import Settings
    from upss.kernel.ports import Clock, Mail

_TIMEOUT_SECONDS = 20
_PERMANENT = 500
# "=?" begins an encoded word, which the standard library decodes while it writes the header: a
# line break inside it would begin another header.
_NOT_IN_A_HEADER = ("\r", "\n", "\0", "=?")


class SmtpMailer:
    """Hands each mail to the server of the settings, over its own connection."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def send(self, mail: Mail) -> None:
        """Send one mail.

        Raises `MailNotSent` when it may be tried again, `MailRefused` when that is of no use.
        """
        message = self._compose(mail)
        try:
            server = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            raise MailNotSent(message_id=mail.message_id) from error
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            refusals = [answer for answer, _text in error.recipients.values()]
            raise _failure(mail, max(refusals)) from error
        except smtplib.SMTPResponseException as error:
            raise _failure(mail, error.smtp_code) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailNotSent(message_id=mail.message_id) from error
        finally:
            # The message is taken or not: a goodbye that fails changes nothing.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()

    def _connect(self) -> smtplib.SMTP:
        at = self._settings
        if at.smtp_tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                at.smtp_host,
                at.smtp_port,
                timeout=_TIMEOUT_SECONDS,
                context=ssl.create_default_context(),
            )
        else:
            server = smtplib.SMTP(at.smtp_host, at.smtp_port, timeout=_TIMEOUT_SECONDS)
        try:
            if at.smtp_tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if at.smtp_user:
                server.login(at.smtp_user, at.smtp_password)
        except BaseException:
            server.close()
            raise
        return server

    def _compose(self, mail: Mail) -> EmailMessage:
        for value in (mail.to, mail.subject, mail.message_id, mail.language):
            if any(bad in value for bad in _NOT_IN_A_HEADER):
                raise MailRefused(message_id=mail.message_id)
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.mail_from
        message["To"] = Address(addr_spec=mail.to)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(self._clock.system_now())
        message["Message-ID"] = mail.message_id
        message["Auto-Submitted"] = "auto-generated"
        # quoted-printable: readable in a raw view, and every server takes it
        message.set_content(mail.text, cte="quoted-printable")
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        # last, because making a message multipart moves its Content- headers into the first part
        message["Content-Language"] = mail.language
        return message


def _failure(mail: Mail, answer: int) -> UpssError:
    """Return the error for a server's answer: 4xx may be tried again, 5xx may not."""
    kind = MailRefused if answer >= _PERMANENT else MailNotSent
    return kind(message_id=mail.message_id, answer=answer)
