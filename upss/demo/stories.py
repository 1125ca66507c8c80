"""Every story of the demo, oldest first, with the people who appear in them."""

from __future__ import annotations

from upss.demo import stories_ca, stories_en, stories_es
from upss.demo.cast import ANSWERERS, ASKERS, AUDITORS, ORGANIZERS, Answerer, Person, Plot, Story

__all__ = [
    "ANSWERERS", "ASKERS", "AUDITORS", "ORGANIZERS", "STORIES", "Answerer", "Person", "Plot", "Story",
]  # fmt: skip

STORIES: tuple[Story, ...] = tuple(
    sorted(
        (*stories_en.STORIES, *stories_es.STORIES, *stories_ca.STORIES),
        key=lambda story: (-story.day, story.hour),
    )
)
