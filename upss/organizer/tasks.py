"""The job that tries positions of the dials in the simulator, off the request."""

from __future__ import annotations

from dataclasses import replace

from upss.forum.queries_offpeak import dials as dials_in_force
from upss.forum.rules.policy import Mode, Policy
from upss.organizer import service
from upss.organizer.queries import site
from upss.simulation.metrics import figures, rounded
from upss.simulation.running import run
from upss.web.ports import unit

WEEKS = 8  # judged, after those of warm-up
SEEDS = 2
_URGENCIES = (0.9, 0.7, 0.5, 0.3)


def try_dials(trial_id: int) -> None:
    """Calculate each position that is not stored yet; nothing if the calculation has ended."""
    with unit() as uow:
        dials = dials_in_force(uow.session)
        found = site.read(uow.session, dials, now=uow.clock.now(), site_zone=uow.zone)
        positions = positions_of(dials.policy)
        known = service.begin_trial(uow, trial_id=trial_id, found=found, positions=len(positions))
        uow.commit()
    for place, policy in enumerate(positions):
        if place in known:
            continue
        scenario = found.scenario(policy, weeks=WEEKS)
        told = rounded(figures([run(scenario, seed) for seed in range(1, SEEDS + 1)]))
        with unit() as uow:
            service.note_position(uow, trial_id=trial_id, place=place, policy=policy, figures=told)
            uow.commit()
    with unit() as uow:
        service.end_trial(uow, trial_id=trial_id)
        uow.commit()


def positions_of(policy: Policy) -> list[Policy]:
    """Return the positions to try: open, deferred with other urgencies, strict; one is in force."""
    urgencies = {*_URGENCIES, policy.urgency} if policy.mode is Mode.DEFERRED else set(_URGENCIES)
    return [
        replace(policy, mode=Mode.OPEN),
        *(
            replace(policy, mode=Mode.DEFERRED, urgency=each)
            for each in sorted(urgencies, reverse=True)
        ),
        replace(policy, mode=Mode.STRICT),
    ]
