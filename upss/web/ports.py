"""The one door from a request, job or command to its clock, gateway, mailer and unit of work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from flask import Flask
from flask import current_app as _app  # noqa: TID251 - this module is the permitted place

from upss.db.work import Handlers, UnitOfWork

if TYPE_CHECKING:
    from jinja2 import Template

    from upss.config import Settings
    from upss.kernel.ports import Clock, JobQueue, Mailer, PaymentGateway

_KEY = "upss"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """One adapter for each part of the outside world."""

    clock: Clock
    gateway: PaymentGateway
    mailer: Mailer
    queue: JobQueue


@dataclass(frozen=True, slots=True)
class _Installed:
    settings: Settings
    ports: Ports
    handlers: Handlers


def install(app: Flask, settings: Settings, ports: Ports, handlers: Handlers) -> None:
    """Give `app` its settings, ports and event handlers."""
    app.extensions[_KEY] = _Installed(settings, ports, handlers)


def _installed() -> _Installed:
    return cast("_Installed", _app.extensions[_KEY])


def settings() -> Settings:
    """Return the settings of the running application."""
    return _installed().settings


def clock() -> Clock:
    """Return the clock."""
    return _installed().ports.clock


def gateway() -> PaymentGateway:
    """Return the payment gateway; never call it with a transaction open."""
    return _installed().ports.gateway


def mailer() -> Mailer:
    """Return the mailer; never call it with a transaction open."""
    return _installed().ports.mailer


def unit() -> UnitOfWork:
    """Begin a unit of work; it ends with `commit()`, or leaves no trace."""
    here = _installed()
    return UnitOfWork(here.ports.clock, here.ports.queue, here.handlers, here.settings.timezone)


def external_url(endpoint: str, **values: object) -> str:
    """Return a page's full address, from the settings and never from a request's host."""
    return settings().base_url + _app.url_map.bind("").build(endpoint, values)


def template(name: str) -> Template:
    """Return a template by itself: a mail is rendered without a request and its context."""
    return _app.jinja_env.get_template(name)


def view_of(endpoint: str) -> Callable[..., Any]:
    """Return the view function behind an endpoint."""
    return _app.view_functions[endpoint]


def extension(name: str) -> Any:
    """Return what a part of the web layer keeps with the application."""
    return _app.extensions[name]
