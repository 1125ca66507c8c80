"""Where a demo lives: its folder, free ports, fresh secrets, and the environment of its processes."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from upss.config import Settings
from upss.kernel.errors import UpssError

_HOST = "127.0.0.1"
_TRIES = 200
_LAST_PORT = 65_535


class DemoError(UpssError):
    """Something that only a demo can run into; `advice` says what to do, with the facts."""

    code = "demo"
    words = ""

    @property
    def advice(self) -> str:
        """Return what happened and what to do, for the terminal."""
        return self.words.format(**self.facts)


class NoFreePort(DemoError):
    """No port from the wanted one on can be used: choose another with --port."""

    code = "demo_no_free_port"
    words = "The ports {first} to {last} cannot be used. For the pages, choose others with --port."


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One demo: its folder and the ports of its processes, all on loopback."""

    folder: Path
    web_port: int
    standin_port: int
    smtp_port: int
    environ: dict[str, str]

    @property
    def base_url(self) -> str:
        """Return the address of the pages."""
        return f"http://{_HOST}:{self.web_port}"

    @property
    def standin_url(self) -> str:
        """Return the address of the payment stand-in."""
        return f"http://{_HOST}:{self.standin_port}"

    @property
    def settings(self) -> Settings:
        """Return the settings that every process of this demo reads."""
        return Settings.from_env(self.environ)


def prepare(
    folder: Path, *, web_port: int, standin_port: int = 12111, smtp_port: int = 8025
) -> Place:
    """Choose free ports near the wanted ones and make this start's secrets; raises `NoFreePort`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mail").mkdir(exist_ok=True)
    web = _free(web_port)
    standin = _free(standin_port, taken={web})
    smtp = _free(smtp_port, taken={web, standin})
    own = {
        "UPSS_MODE": "demo",
        "UPSS_INSTANCE": str(folder),
        "UPSS_BASE_URL": f"http://{_HOST}:{web}",
        "UPSS_SECRET_KEY": secrets.token_urlsafe(32),
        "UPSS_STRIPE_KEY": "sk_test_standin",
        "UPSS_STRIPE_WEBHOOK_SECRET": "whsec_" + secrets.token_urlsafe(24),
        "UPSS_STRIPE_API_BASE": f"http://{_HOST}:{standin}",
        "UPSS_STRIPE_CHECKOUT_ORIGIN": f"http://{_HOST}:{standin}",
        "UPSS_SMTP_HOST": _HOST,
        "UPSS_SMTP_PORT": str(smtp),
        "UPSS_SMTP_TLS": "none",
        "UPSS_MAIL_FROM": "UPSS <help@example.org>",
        "UPSS_ORGANIZER_NAME": "Cooperativa Roure Vell",
        "UPSS_ORGANIZER_DETAILS": "Plaça Inventada 1, 00000 Exemple",
        "UPSS_HELP_PHONE": "900 000 000",
        "UPSS_HELP_MAIL": "help@example.org",
        "UPSS_HELP_HOURS": "10:00-20:00",
    }
    # Nothing of a real site's settings reaches a demo: its database above all.
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("UPSS_")}
    return Place(
        folder=folder,
        web_port=web,
        standin_port=standin,
        smtp_port=smtp,
        environ={**foreign, **own},
    )


def _free(wanted: int, *, taken: Collection[int] = ()) -> int:
    """Return `wanted` or the next port above it that nobody listens on and is not in `taken`."""
    last = min(wanted + _TRIES - 1, _LAST_PORT)
    for port in sorted(set(range(wanted, last + 1)).difference(taken)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
            return port
    raise NoFreePort(first=wanted, last=last)
