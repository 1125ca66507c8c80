"""Who commits, which jobs exist, and which events somebody hears."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import upss
from tests.architecture.source import calls, modules, nodes
from upss.flow import HANDLERS
from upss.jobs import PERIODIC, TASKS
from upss.kernel.events import Event

# What may end a transaction: the outermost callers, and what must count even if a request fails.
MAY_COMMIT = {"cli.py", "jobs.py", "web/sessions.py", "web/limits.py"}
MAY_COMMIT_BY_NAME = ("views", "webhook", "tasks")
# The unit itself, and Alembic's own transaction.
MACHINERY = {"db/work.py", "db/migrate.py", "db/migrations/env.py"}
# Facts that nobody needs to hear yet.
UNHEARD = {"HoursChanged", "PaymentExpired", "QuestionClaimed", "QuestionQueued"}


def _may_commit(path: str) -> bool:
    name = Path(path).name
    return (
        path in MAY_COMMIT | MACHINERY
        or path.startswith(("demo/", "standin/"))
        or name.startswith(MAY_COMMIT_BY_NAME)
    )


def _committing(tree: ast.AST) -> bool:
    begins = (
        call for call in calls(tree, "begin") if ast.unparse(call.func).endswith("engine.begin")
    )
    return any(calls(tree, "commit")) or any(begins)


def test_only_the_outermost_callers_commit():
    found = {path for path, tree in modules().items() if _committing(tree)}
    assert {"web/sessions.py", "web/limits.py", "forum/views_ask.py"} <= found  # the test can see
    assert sorted(path for path in found if not _may_commit(path)) == []


def test_services_never_roll_back_or_close_the_session():
    wrong = [
        f"{path}: {method}"
        for path, tree in modules().items()
        if "service" in path
        for method in ("rollback", "close", "remove", "commit")
        if any(
            "session" in ast.unparse(call.func) or "uow" in ast.unparse(call.func)
            for call in calls(tree, method)
        )
    ]
    assert not wrong


def _deferred() -> dict[str, str]:
    """Job name -> module, from every `.defer(NAME, ...)` of the tree."""
    found: dict[str, str] = {}
    for path, tree in modules().items():
        if path.startswith(("standin/", "db/", "kernel/")):
            continue
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in calls(tree, "defer"):
            first = call.args[0]
            name = (
                constants.get(first.id)
                if isinstance(first, ast.Name)
                else getattr(first, "value", None)
            )
            assert isinstance(name, str), f"{path}:{call.lineno} defers a name nobody can read"
            found[name] = path
    return found


def test_every_deferred_job_is_registered_and_every_registered_job_is_deferred():
    assert set(_deferred()) == set(TASKS)


def test_a_deferred_job_takes_ids_only():
    for path, tree in modules().items():
        if path.startswith(("standin/", "db/", "kernel/")):
            continue
        for call in calls(tree, "defer"):
            names = {keyword.arg for keyword in call.keywords} - {"key", "lock"}
            assert all(name and name.endswith("_id") for name in names), f"{path}:{call.lineno}"


def test_jobs_take_the_arguments_that_they_are_given():
    for path, tree in modules().items():
        for call in calls(tree, "defer"):
            first = call.args[0] if call.args else None
            if isinstance(first, ast.Constant) and first.value in TASKS:
                given = {str(k.arg) for k in call.keywords} - {"key", "lock"}
                wanted = set(inspect.signature(TASKS[first.value]).parameters)
                assert given == wanted, f"{path}:{call.lineno}"


def test_periodic_jobs_have_other_names_than_deferred_ones():
    assert not set(PERIODIC) & set(TASKS)


def _event_classes() -> set[type[Event]]:
    found: set[type[Event]] = set()
    for module in pkgutil.walk_packages(upss.__path__, "upss."):
        if module.name.endswith(".events") and module.name != "upss.kernel.events":
            members = vars(importlib.import_module(module.name)).values()
            found |= {m for m in members if isinstance(m, type) and issubclass(m, Event)}
    return found - {Event}


def test_every_event_is_heard_or_said_to_need_no_hearing():
    heard = {event.__name__ for event in HANDLERS}
    known = {event.__name__ for event in _event_classes()}
    assert known - heard == UNHEARD
    assert heard <= known


def test_every_event_is_made_in_its_own_package():
    for event in _event_classes():
        package = event.__module__.split(".")[1]
        named = {
            node.id
            for path, tree in modules().items()
            if path.startswith(f"{package}/") and not path.endswith("events.py")
            for node in nodes(tree, ast.Name)
        }
        assert event.__name__ in named


def test_handlers_live_in_the_package_of_their_event_or_above():
    # The chain of imports, lowest first; the import contract keeps it.
    chain = (
        "accounts",
        "ledger",
        "payments",
        "forum",
        "payouts",
        "doctor",
        "care",
        "adjustments",
        "notices",
        "organizer",
    )
    for event, handlers in HANDLERS.items():
        lowest = chain.index(event.__module__.split(".")[1])
        for handler in handlers:
            assert chain.index(handler.__module__.split(".")[1]) >= lowest, handler
