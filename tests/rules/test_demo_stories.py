"""The demo's stories keep their own promises: lengths, people, days and spread."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from upss.demo.stories import ANSWERERS, ASKERS, AUDITORS, ORGANIZERS, STORIES, Plot, Story

EARLY = datetime(2026, 3, 29, 5, 10, tzinfo=UTC)
DAYS = {
    Plot.QUEUED: range(3),
    Plot.CLAIMED: range(3),
    Plot.ANSWERED: range(1, 6),
    Plot.ACCEPTED: range(3, 16),
    Plot.PAID_OUT: range(16, 36),
    Plot.AWAITING_PAYMENT: range(1),
}

each_story = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)


@each_story
def test_a_story_has_a_readable_length(story: Story):
    assert len(story.title) <= 120
    assert "?" in story.title
    assert 30 <= len(story.body.split()) <= 120
    assert 60 <= len(story.answer.split()) <= 250
    assert "\n1. " in story.answer


@each_story
def test_a_story_is_told_by_people_who_can_tell_it(story: Story):
    answerer = ANSWERERS[story.answerer]
    assert ASKERS[story.asker].language == story.language
    assert story.language in answerer.languages
    assert story.topic in answerer.topics


@each_story
def test_a_story_was_asked_on_a_day_that_fits_its_end(story: Story):
    assert story.day in DAYS.get(story.plot, range(36))
    assert story.asked_at(EARLY) < EARLY


def test_an_offer_that_awaits_payment_is_still_open():
    waiting = [story for story in STORIES if story.plot is Plot.AWAITING_PAYMENT]
    assert waiting
    assert all(EARLY - story.asked_at(EARLY) < timedelta(minutes=60) for story in waiting)


def test_every_state_and_language_appears():
    assert {story.plot for story in STORIES} == set(Plot)
    assert set(Counter(story.language for story in STORIES).values()) == {14}
    assert len({story.title for story in STORIES}) == len(STORIES)


def test_stories_are_told_oldest_first():
    asked = [story.asked_at(EARLY.replace(hour=23)) for story in STORIES if story.day]
    assert asked == sorted(asked)


def test_every_address_is_at_a_domain_that_nobody_owns():
    people = (
        *ASKERS.values(), *ANSWERERS.values(), *ORGANIZERS.values(), *AUDITORS.values(),
    )  # fmt: skip
    assert len({person.address for person in people}) == len(people) == 21
    assert all(person.address.endswith("@example.org") for person in people)
