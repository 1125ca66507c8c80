"""A quicker answer in a browser without JavaScript: shown, chosen, put back, paid, and missed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.factories import answered, draft, person, post, question_row, queued, sign_in_as
from upss.forum.rules.windows import Window
from upss.forum.service import accepting, dialing, hours
from upss.forum.service.hours import Whose
from upss.forum.tasks import run_timers
from upss.kernel.roles import Role
from upss.web.ports import unit

ALWAYS = tuple(Window(dow, 0, 1440) for dow in range(7))
FIELDS = {
    "topic": "home", "title": "Can I return a fridge?", "size": "medium", "language": "en",
}  # fmt: skip
FIRST = "The person who answered you before sees it first"
NOT_FIRST = "With a quicker answer nobody sees the question first."
OFFERED = "For €6.00 more the answer comes by"


@pytest.fixture
def asker(app, nobody_rests):
    """Somebody who asks where four questions wait and a quicker answer is sold."""
    ada = person(role=Role.ANSWERER, topics=("home",))
    with unit() as uow:
        hours.set_week(uow, Whose(ada, "Europe/Madrid"), windows=ALWAYS, zone_name="Europe/Madrid")
        dialing.turn(uow, organizer_id=None, express=True, mode="open")
        uow.commit()
    asker = person("asker@example.org")
    before = answered(asker, ada)
    with unit() as uow:
        accepting.accept(uow, question_id=before, actor_id=asker)
        uow.commit()
    for _ in range(4):
        queued(asker)
    return asker


def turn(**changes):
    with unit() as uow:
        dialing.turn(uow, organizer_id=None, **changes)
        uow.commit()


def test_a_quicker_answer_from_the_offer_to_its_surcharge_back(app, client, asker, clock):
    question = draft(asker, title=FIELDS["title"])
    sign_in_as(app, client, asker)
    address = f"/ask/{question_row(question).public_id}"

    def page(path):
        return client.get(path).get_data(as_text=True)

    def choose(quicker):
        answer = post(client, f"{address}/check", quicker=quicker)
        assert answer.status_code == 303
        return page(answer.headers["Location"])

    client.get(f"{address}/check")  # makes the offer
    shown = page(f"{address}/check")
    assert OFFERED in shown
    assert "€12.00" in shown
    quick = choose("yes")
    assert OFFERED not in quick
    assert "€18.00" in quick
    assert "you pay €6.00 less" in quick
    assert OFFERED in choose("no")
    choose("yes")
    wish = FIELDS | {"wants_previous": "yes", "do": "continue"}
    again = post(client, address, **wish, body="And its light is broken too.")
    quick = page(again.headers["Location"])  # another text, the same wish
    assert "€18.00" in quick
    assert (FIRST in quick, NOT_FIRST in quick) == (False, True)
    answer = post(client, f"{address}/check", agree="yes")
    assert "standin" in answer.headers["Location"]
    clock.advance(timedelta(hours=1))
    run_timers()  # the offer ended unpaid: a new one is as quick, and says so
    assert question_row(question).status == "draft"
    renewed = client.get(f"{address}/check", follow_redirects=True).get_data(as_text=True)
    assert "the price is the same" in renewed
    assert "€18.00" in renewed
    turn(express=False)
    other = post(client, address, **wish, body="And its light is broken.")
    ordinary = page(other.headers["Location"])  # another text, and it cannot be quicker any more
    assert "A quicker answer is not possible any more" in ordinary
    assert "€12.00" in ordinary
    assert (FIRST in ordinary, NOT_FIRST in ordinary) == (True, False)
    gone = choose("yes")
    assert "A quicker answer is not possible any more" in gone
    assert "€12.00" in gone
    assert OFFERED not in gone


@pytest.mark.usefixtures("asker")
def test_an_address_that_was_typed_stays_when_the_offer_changes(client):
    address = client.get("/ask").headers["Location"]
    post(client, address, **FIELDS, body="It has a dent.", do="continue")
    check = f"{address}/check"
    answer = post(client, check, quicker="yes", email="nube.prat@example.org", agree="yes")
    shown = answer.get_data(as_text=True)
    assert "€18.00" in shown
    assert 'value="nube.prat@example.org"' in shown
    assert 'value="yes" checked' not in shown  # who agreed to a price has not agreed to another
    buttons = re.findall(r'<button[^>]*form="pay"[^>]*>', shown)
    assert "quicker" not in buttons[0], "Enter in the address would change the offer"
    assert 'name="quicker"' in buttons[1]
