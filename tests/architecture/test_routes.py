"""Who may open which address: the table of routes.py, tried with a real client."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.architecture.routes import (
    ANSWERER,
    AUDITOR,
    DEMO,
    EVERYONE,
    LED_TO_SIGN_IN,
    NO_TOKEN_NEEDED,
    ORGANIZER,
    OWN,
    ROUTES,
    SIGNED_IN,
)
from tests.factories import csrf_of, draft, person, question_row, sign_in_as, submitted
from upss.config import Mode
from upss.db.queue import ProcrastinateQueue
from upss.demo.views import init_demo
from upss.kernel.ids import AccountId
from upss.kernel.roles import Role
from upss.payments import queries as payment_queries
from upss.web import access, ports
from upss.web.security import csrf

VISITORS = (Role.ANSWERER, Role.ORGANIZER, Role.AUDITOR)
UNTRIED_METHODS = {"HEAD", "OPTIONS"}


def routes_of(app: Flask) -> dict[str, str | None]:
    """ "METHOD /rule" -> the mark of its view."""
    return {
        f"{method} {rule.rule}": access.access_of(app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in (rule.methods or set()) - UNTRIED_METHODS
    }


def path_of(route: str, public_id: str = "unknownid0000000") -> str:
    """The route as an address, with this id."""
    path = route.split(" ", 1)[1]
    for name in ("<public_id>", "<key>", "<token>"):
        path = path.replace(name, public_id)
    return path.replace("<int:job_id>", "999999").replace("<int:refund_id>", "999999")


def send(client: FlaskClient, route: str, token: str = "", **where: str) -> TestResponse:
    path = path_of(route, **where)
    if route.startswith("GET"):
        return client.get(path)
    return client.post(path, data={"csrf_token": token} if token else {})


def visitor(app: Flask, role: Role | None) -> tuple[FlaskClient, str, AccountId]:
    """A signed-in client, a token for its forms, and its account."""
    topics = ("home",) if role is Role.ANSWERER else ()
    account = person(role=role, topics=topics)
    client = app.test_client()
    sign_in_as(app, client, account, organizer=role is Role.ORGANIZER)
    return client, csrf_of(client.get("/settings").get_data(as_text=True)), account


def test_every_route_and_its_mark_stand_in_the_table(app):
    assert routes_of(app) == ROUTES


def test_the_demo_adds_only_its_own_pages(own_app):
    assert {k: v for k, v in routes_of(init_demo(own_app)).items() if k not in ROUTES} == DEMO


def test_the_demo_refuses_to_join_anything_but_a_demo(own_app):
    given = ports.Ports(
        clock=ports.clock(),
        gateway=ports.gateway(),
        mailer=ports.mailer(),
        queue=ProcrastinateQueue(),
    )
    ports.install(own_app, replace(ports.settings(), mode=Mode.SANDBOX), given, {})
    with pytest.raises(RuntimeError, match="demo only"):
        init_demo(own_app)


def test_an_unmarked_view_is_refused_even_to_an_organizer(own_app):
    own_app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert own_app.test_client().get("/forgotten").status_code == 403
    client, _token, _account = visitor(own_app, Role.ORGANIZER)
    answer = client.get("/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.get_data(as_text=True)


def test_who_is_not_signed_in_is_led_to_the_sign_in(app, client):
    token = csrf_of(client.get("/sign-in").get_data(as_text=True))
    for route, mark in ROUTES.items():
        if mark == EVERYONE:
            continue
        answer = send(client, route, token)
        assert answer.status_code == 303, route
        where = answer.headers["Location"]
        assert where.startswith("/sign-in?next="), route
        assert "next=%2F" in where or "next=/" in where, route


@pytest.mark.parametrize(
    ("role", "shut"),
    [
        (None, {ANSWERER, ORGANIZER, AUDITOR}),
        (Role.ANSWERER, {ORGANIZER, AUDITOR}),
        (Role.ORGANIZER, {ANSWERER}),
        (Role.AUDITOR, {ANSWERER, ORGANIZER}),
    ],
)
def test_each_role_opens_its_own_pages_and_no_others(app, role, shut):
    client, token, _account = visitor(app, role)
    for route, mark in ROUTES.items():
        if route.startswith("POST /sign-out"):
            continue
        answer = send(client, route, token)
        assert answer.status_code < 500, route
        if mark in shut:
            assert answer.status_code == 403, route
        elif mark != EVERYONE:
            assert answer.status_code != 403, route
            assert not answer.headers.get("Location", "").startswith("/sign-in"), route


def test_nobody_opens_what_is_somebody_elses(app):
    owner = person()
    question_id, _payment_id = submitted(owner)
    ids = {"/questions/": question_row(question_id).public_id}
    ids["/ask/"] = question_row(draft(owner)).public_id
    strangers = [visitor(app, role)[:2] for role in (None, *VISITORS)]
    anonymous = app.test_client()
    form_token = csrf_of(anonymous.get("/sign-in").get_data(as_text=True))
    for route in sorted(OWN):
        (public_id,) = (known for start, known in ids.items() if f" {start}" in route)
        for client, token in strangers:
            answer = send(client, route, token, public_id=public_id)
            assert answer.status_code == 404, route
        for there in (public_id, "unknownid0000000"):
            answer = send(anonymous, route, form_token, public_id=there)
            if route in LED_TO_SIGN_IN:
                assert answer.status_code == 303, route
                assert answer.headers["Location"].startswith("/sign-in?next="), route
            elif there == public_id:
                assert answer.status_code == 404, route


def test_the_way_back_from_paying_shows_a_stranger_nothing(app):
    question_id, payment_id = submitted(person())
    with ports.unit() as uow:
        payment = payment_queries.payment(uow.session, payment_id)
    stranger = visitor(app, None)[0]
    answer = stranger.get(f"/payments/{payment.public_id}/back")
    assert answer.status_code == 303
    assert question_row(question_id).title not in answer.get_data(as_text=True)
    assert stranger.get(answer.headers["Location"]).status_code == 404


def test_an_owner_opens_the_same_pages(app):
    client, _token, owner = visitor(app, None)
    question_id, _payment_id = submitted(owner)
    waiting, written = question_row(question_id).public_id, question_row(draft(owner)).public_id
    assert client.get(f"/questions/{waiting}").status_code == 200
    assert client.get(f"/ask/{written}").status_code == 200


def test_every_form_needs_its_token_except_the_signed_webhook(app):
    assert csrf._exempt_views == {"upss.payments.webhook.webhook"}
    assert not csrf._exempt_blueprints
    clients = {
        mark: visitor(app, role)[0]
        for mark, role in (
            (ANSWERER, Role.ANSWERER),
            (ORGANIZER, Role.ORGANIZER),
            (SIGNED_IN, None),
        )
    }
    clients[EVERYONE] = clients[SIGNED_IN]
    for route, mark in ROUTES.items():
        if route.startswith("POST") and route not in NO_TOKEN_NEEDED:
            answer = send(clients[mark], route)
            assert answer.status_code == 400, route
            assert "This form was open in a session" in answer.get_data(as_text=True), route


def test_a_token_of_another_session_is_refused(app):
    _mine, token, _account = visitor(app, None)
    other, _token, _account = visitor(app, None)
    assert other.post("/settings", data={"csrf_token": token}).status_code == 400


def test_the_webhook_takes_nothing_unsigned(client):
    answer = client.post("/stripe/webhook", data=b"{}", content_type="application/json")
    assert answer.status_code == 400
    assert "session" not in answer.get_data(as_text=True)
