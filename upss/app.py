"""The application: composes the parts, one `init_x` for each concern."""

from __future__ import annotations

from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from upss.accounts import views as accounts_views
from upss.config import Settings
from upss.db.base import db
from upss.db.engine import app_url
from upss.doctor import views as doctor_views
from upss.flow import HANDLERS
from upss.forum import views_answer, views_away, views_limits, views_pages, views_question
from upss.ledger import views as ledger_views
from upss.organizer import views as organizer_views
from upss.organizer import views_adjustments, views_audit, views_books, views_week
from upss.paths import TEMPLATES, TRANSLATIONS
from upss.payments import webhook
from upss.payouts import views as payouts_views
from upss.payouts import views_statement
from upss.site.labels import topic_name
from upss.web import access, assets, errors, filters, frame, health, i18n, ports, security, sessions
from upss.wiring import ports_from

BLUEPRINTS = (
    health.blueprint,
    accounts_views.blueprint,
    webhook.blueprint,
    views_pages.blueprint,
    views_question.blueprint,
    views_answer.blueprint,
    views_away.blueprint,
    views_limits.blueprint,
    ledger_views.blueprint,
    payouts_views.blueprint,
    views_statement.blueprint,
    organizer_views.blueprint,
    doctor_views.blueprint,
    views_adjustments.blueprint,
    views_audit.blueprint,
    views_books.blueprint,
    views_week.blueprint,
)


def create_app(settings: Settings, given: ports.Ports | None = None) -> Flask:
    """Return the application for `settings`; tests give their own ports."""
    app = Flask("upss", template_folder=str(TEMPLATES))
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    chosen = given or ports_from(settings)
    ports.install(app, settings, chosen, HANDLERS)
    app.config["SQLALCHEMY_DATABASE_URI"] = app_url(settings)
    if settings.proxies:  # the visitor's own address, for the limits
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    db.init_app(app)
    app.session_interface = sessions.DatabaseSessions()
    # A form from an ended session is told so, with what was typed, before anybody must sign in.
    security.init_security(app, settings)
    access.init_access(app)
    assets.init_assets(app)
    i18n.init_i18n(
        app,
        translations_dir=TRANSLATIONS,
        choose=access.language_of_visitor,
        timezone=settings.timezone,
    )
    filters.init_filters(app, now=chosen.clock.now, timezone=settings.timezone)
    frame.init_frame(app, settings)
    app.jinja_env.globals["topic_name"] = topic_name
    errors.init_errors(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
