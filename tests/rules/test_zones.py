"""Time zones in words: what each is called, and what a form offers."""

from __future__ import annotations

from upss.web import zones


def test_a_country_and_a_city_where_it_has_several():
    assert zones.zone_label("Europe/Madrid") == "Spain: Madrid"
    assert zones.zone_label("Asia/Kolkata") == zones.zone_label("Asia/Calcutta") == "India"
    assert zones.zone_label("Europe/Kiev") == zones.zone_label("Europe/Kyiv")
    assert zones.zone_label("Nowhere/At_all") == "Nowhere/At all"


def test_what_is_chosen_is_always_among_the_options_once():
    for chosen in ("Europe/Madrid", "Europe/Kiev", "UTC", "Etc/GMT+3", "Etc/UTC"):
        labels = [label for name, label in zones.zones(chosen) if name == chosen]
        assert len(labels) == 1, chosen
    assert len(zones.zones("Europe/Kiev")) == len(zones.zones("Europe/Kyiv"))
    assert zones.zones("Europe/Atlantis") == zones.zones("Europe/Madrid")


def test_the_machine_is_asked_once_for_its_zones(monkeypatch):
    asked = []

    def known():
        asked.append(1)
        return {"Europe/Madrid", "Europe/Andorra"}

    cached = (zones._known, zones._places, zones._with_several, zones._zones, zones._label)
    for each in cached:
        each.cache_clear()
    monkeypatch.setattr(zones, "available_timezones", known)
    assert zones.zone_label("Europe/Andorra") == "Andorra"
    assert len(zones.zones("Europe/Madrid")) == 3
    for each in cached:
        each.cache_clear()
    assert asked == [1]
