"""The `upss` command: plain click, and each command imports what it needs when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from upss import __version__
from upss.kernel.errors import UpssError
from upss.kernel.garbage import collect_rarely

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Engine

    from upss.config import Settings
    from upss.kernel.ports import Clock
    from upss.simulation.site import Site

PORT = click.IntRange(1, 65_535)


class _Group(click.Group):
    """Says what went wrong on purpose in words, without a traceback."""

    @override
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except UpssError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group)
@click.version_option(__version__, prog_name="upss")
def main() -> None:
    """UPSS: a paid question-and-answer forum that pays the people who answer."""
    collect_rarely()


def _settings() -> Settings:
    from upss.config import Settings  # noqa: PLC0415

    return Settings.from_env(os.environ)


def _app() -> Flask:
    from upss.app import create_app  # noqa: PLC0415

    return create_app(_settings())


@main.command()
@click.option("--check", is_flag=True, help="Walk the whole path over HTTP, then stop.")
@click.option(
    "--port", type=PORT, default=8000, show_default=True, help="First port to try for the pages."
)
@click.option("--instance", type=click.Path(path_type=Path), help="Where the demo keeps its data.")
def demo(*, check: bool, port: int, instance: Path | None) -> None:
    """Start a sample marketplace: pages, worker, payment stand-in and mail catcher."""
    from upss.demo import processes  # noqa: PLC0415

    sys.exit(processes.check() if check else processes.run(port=port, instance=instance))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=PORT, default=8000, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=4, show_default=True, help="Threads in each process.")
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve the pages with gunicorn."""
    from upss.serving import serve as run  # noqa: PLC0415

    run(_settings(), host=host, port=port, workers=workers, threads=threads)


@main.command()
@click.option("--concurrency", default=4, show_default=True, help="Jobs at the same time.")
def worker(concurrency: int) -> None:
    """Run background jobs and timers."""
    from upss.serving import work  # noqa: PLC0415

    work(_settings(), concurrency=concurrency)


@main.group()
def db() -> None:
    """Make and migrate the database."""


@db.command("init")
@click.option(
    "--admin-url", envvar="UPSS_DATABASE_ADMIN_URL", help="An address that may create roles."
)
def db_init(admin_url: str | None) -> None:
    """Make the two roles and the database, if they are missing."""
    from upss.db import engine  # noqa: PLC0415

    engine.init(_settings(), admin_url)
    click.echo("The roles upss_owner and upss_app and the database are there.")


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the tables to this version, as the owner."""
    from upss.db import engine, migrate  # noqa: PLC0415

    migrate.upgrade(engine.owner_url(_settings()))
    click.echo(f"The database is at revision {migrate.head()}.")


@main.command()
@click.option("--port", default=12111, show_default=True)
@click.option("--webhook-url", help="Where signed events are delivered.")
@click.option("--webhook-secret", default="whsec_standin", show_default=True)
@click.option("--state", type=click.Path(path_type=Path), help="Keep the state in this file.")
def standin(port: int, webhook_url: str | None, webhook_secret: str, state: Path | None) -> None:
    """Run the local Stripe stand-in: no real money, loopback only."""
    from upss.kernel.clock import SystemClock  # noqa: PLC0415
    from upss.standin import create_app, serve  # noqa: PLC0415

    made = create_app(
        SystemClock(), webhook_url=webhook_url, webhook_secret=webhook_secret, state_file=state
    )
    click.echo(f"Stripe stand-in on http://127.0.0.1:{port} (no real money)")
    serve(made, port=port)


@main.command()
@click.argument("address")
@click.option("--role", type=click.Choice(["organizer", "answerer", "auditor"]), required=True)
@click.option("--topic", "topics", multiple=True, help="A topic that the person may answer in.")
@click.option("--name", default="", help="How the person is called on the pages.")
@click.option("--language", type=click.Choice(["en", "es", "ca"]), default="en", show_default=True)
def invite(address: str, role: str, topics: tuple[str, ...], name: str, language: str) -> None:
    """Invite an organizer or auditor, or approve an answerer for topics, and mail them."""
    from upss.accounts import service  # noqa: PLC0415
    from upss.kernel.roles import Role  # noqa: PLC0415
    from upss.web.ports import unit  # noqa: PLC0415

    if role == Role.ANSWERER and not topics:
        raise click.UsageError("An answerer needs at least one --topic.")
    with _app().app_context(), unit() as uow:
        service.invite(
            uow, email=address, name=name, role=Role(role), topics=topics, language=language
        )
        uow.commit()
    click.echo(f"{address} is invited as {role}; the mail says how to sign in.")


@main.group()
def ledger() -> None:
    """Look after the ledger."""


_instance = click.option(
    "--instance",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Use the embedded database in this folder, without any other setting.",
)


@contextmanager
def _books(instance: Path | None) -> Iterator[tuple[Engine, Clock]]:
    """Give the application's way into the database, and the clock that goes with it."""
    from sqlalchemy import create_engine  # noqa: PLC0415

    from upss import wiring  # noqa: PLC0415
    from upss.config import BadSettings  # noqa: PLC0415
    from upss.db import engine  # noqa: PLC0415

    try:
        if instance:
            url = engine.url_of(instance.absolute())
            clock = wiring.stored_clock(url)
        else:
            settings = _settings()
            url, clock = engine.app_url(settings), wiring.clock_for(settings)
    except BadSettings as error:
        hint = "For the demo add: --instance instance/demo"
        raise click.ClickException(f"{error}\n{hint}") from error
    here = create_engine(url)
    try:
        yield here, clock
    finally:
        here.dispose()


@ledger.command("verify")
@_instance
def ledger_verify(instance: Path | None) -> None:
    """Recompute every digest, sum and block; exit 1 on any difference."""
    from upss.ledger.verify import verify  # noqa: PLC0415
    from upss.ledger.walk import snapshot  # noqa: PLC0415

    with _books(instance) as (engine, _clock), snapshot(engine) as session:
        report = verify(session)
    checked = f"{report.entries} entries, {report.postings} postings, {report.blocks} blocks"
    click.echo(f"{checked} checked.")
    for difference in report.differences:
        click.echo(f"DIFFERENCE {difference}")
    if report.differences:
        sys.exit(1)
    click.echo("Every digest and every sum is right.")


@ledger.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "beancount", "hledger", "csv"]),
    default="jsonl",
    show_default=True,
    help="jsonl is for verify_ledger.py, csv for spreadsheets.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default="-",
    help="The file; - (and nothing) is the standard output.",
)
@_instance
def ledger_export(form: str, output: Path, instance: Path | None) -> None:
    """Write the whole ledger, as it is now, to a file or the standard output.

    Entries that wait are put into a block first. A file takes its name only when it is complete.
    """
    from upss.ledger import export  # noqa: PLC0415
    from upss.ledger.export import book, target  # noqa: PLC0415
    from upss.ledger.walk import snapshot  # noqa: PLC0415

    with _books(instance) as (engine, clock):
        _anchor(engine, clock)
        with snapshot(engine) as session, _progress(book.Book(session).n_entries) as seen:
            lines = export.FORMS[form](book.Book(session, seen))
            target.write(lines, None if str(output) == "-" else output)


def _anchor(engine: Engine, clock: Clock) -> None:
    """Put every entry that waits into a block."""
    from sqlalchemy.orm import Session  # noqa: PLC0415

    from upss.db.queue import ProcrastinateQueue  # noqa: PLC0415
    from upss.db.work import OwnSession  # noqa: PLC0415
    from upss.ledger.service.anchoring import anchor  # noqa: PLC0415

    with Session(engine) as session:
        uow = OwnSession(session, clock, ProcrastinateQueue())
        anchor(uow)
        uow.commit()


@contextmanager
def _progress(length: int) -> Iterator[Callable[[], object]]:
    """Give what is called for each entry: it moves a bar where a person looks on."""
    if not sys.stderr.isatty() or not length:
        yield lambda: None
        return
    step = max(1, length // 200)
    with click.progressbar(
        length=length, label="Entries", file=sys.stderr, update_min_steps=step
    ) as bar:
        yield lambda: bar.update(1)


@main.command()
@_instance
@click.option("--quick", is_flag=True, help="Only what is cheap, and what moved lately.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for a program.")
def doctor(instance: Path | None, *, quick: bool, as_json: bool) -> None:
    """Hold the books against what happened; exit 1 if they contradict it.

    Warnings are shown and are no failure. It only reads, and may run at any time.
    """
    import json  # noqa: PLC0415

    from upss.doctor import labels  # noqa: PLC0415
    from upss.doctor.queries.examination import examine  # noqa: PLC0415

    with _books(instance) as (engine, clock):
        results = examine(engine, now=clock.now(), quick=quick)
    told = labels.document_of(results)
    if as_json:
        click.echo(json.dumps(told, indent=1))
    else:
        for line in labels.lines_of(results):
            click.echo(line)
        click.echo(f"{len(results)} checks, {told['errors']} errors, {told['warnings']} warnings.")
    if told["errors"]:
        sys.exit(1)


@main.command()
@click.option("--answerers", default=60, show_default=True)
@click.option("--per-week", default=350.0, show_default=True, help="Questions.")
@click.option("--weeks", default=15, show_default=True, help="Judged, after 6 of warm-up.")
@click.option("--seeds", default=3, show_default=True, help="Runs with other chances.")
@click.option("--topics", default=8, show_default=True)
@click.option("--languages", default=1, show_default=True, help="1 or 2.")
@click.option("--mode", type=click.Choice(["open", "deferred", "strict"]), default="deferred")
@click.option("--urgency", default=0.7, show_default=True, help="0 waits long, 1 never waits.")
@click.option("--plain", is_flag=True, help="Without fairness stagger and head starts.")
@click.option("--express", default=0.0, show_default=True, help="Share that asks for express.")
@click.option("--guess", type=float, help="Answers of a declared hour, expected at the start.")
@click.option("--press", default=0.6, show_default=True, help="1 calls people as soon as urgent.")
@click.option("--slots", type=float, help="Own visits at suggested hours: 0.6; 0 with --from-db.")
@click.option("--learned", is_flag=True, help="Peaks are learned instead of known.")
@click.option("--quiet-hours", is_flag=True, help="No message from 22:00 to 8:00 own time.")
@click.option("--surge", metavar="1.6@10:12", help="So many times the questions, in these weeks.")
@click.option("--away", metavar="0.35@10:12", help="Share of answerers away, in these weeks.")
@click.option("--compare", is_flag=True, help="Beside the naive ways of running the same site.")
@click.option("--goals", is_flag=True, help="Runs 1 and 2 of docs/off-peak.md; exit 1 if missed.")
@click.option("--stress", is_flag=True, help="A surge and an absence; with --goals costs too.")
@click.option("--json", "as_json", metavar="FILE", help="Write the figures; - is the output.")
@click.option("--chart", type=click.Path(path_type=Path, dir_okay=False), help="Write an SVG.")
@click.option("--from-db", is_flag=True, help="This site's own week, people and prices.")
@_instance
def simulate(instance: Path | None, *, from_db: bool, **options: Any) -> None:
    """Try the off-peak engine on an invented site, by the very rules of the product.

    With --from-db it is this site, of which it only reads: how many people, topics, languages and
    questions there are comes from there.
    """
    from upss.simulation.command import read, simulate  # noqa: PLC0415
    from upss.simulation.scenario import BadScenario  # noqa: PLC0415

    try:
        if from_db:
            scenario, wanted = read(options, slots=0.0)
            scenario = _this_site(instance).placed_in(scenario)
        else:
            scenario, wanted = read(options)
        is_met = simulate(scenario, wanted)
    except BadScenario as error:
        message = f"--{error.facts['option']}: write {error.facts['wanted']}"
        raise click.UsageError(message) from error
    if not is_met:
        sys.exit(1)


def _this_site(instance: Path | None) -> Site:
    """Return the real site for the simulator, or say that it has too little."""
    from sqlalchemy.orm import Session  # noqa: PLC0415

    from upss.forum.queries_offpeak import dials  # noqa: PLC0415
    from upss.organizer.queries.site import LEAST_PEOPLE, LEAST_QUESTIONS, read  # noqa: PLC0415

    zone = os.environ.get("UPSS_TIMEZONE", "Europe/Madrid")
    with _books(instance) as (engine, clock), Session(engine) as session:
        found = read(session, dials(session), now=clock.now(), site_zone=zone)
    if found.site is None:
        raise click.ClickException(
            f"{found.questions} questions in the last weeks and {found.people} people who answer"
            f" are too few: {LEAST_QUESTIONS} and {LEAST_PEOPLE} are needed."
        )
    return found.site
