"""The wheel holds all that UPSS needs, and works in an environment and a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.factories import Database

WALK = """
import sys, upss
from upss.config import Settings
from upss.app import create_app
import os
app = create_app(Settings.from_env(os.environ))
print(upss.__file__)
for path in ("/", "/?lang=ca", "/sign-in", "/static/upss.css", "/books/format.txt"):
    answer = app.test_client().get(path)
    print(path, answer.status_code, '<html lang="ca"' in answer.get_data(as_text=True))
    answer.close()
"""


def build(kind: str, target: Path, source: Path = ROOT) -> Path:
    """Build the wheel or the source archive of `source` into `target`."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(target), "-t", kind]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (made,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


def run(program: Path, *arguments: str, cwd: Path, **environment: str) -> str:
    """Run a program of the bare environment in a folder far from the checkout."""
    done = subprocess.run(
        [str(program), *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "another folder"
    folder.mkdir()
    return folder


def test_the_wheel_holds_pages_words_files_and_migrations(wheel):
    held = contents(wheel)
    for folder, pattern in (
        ("templates", "**/*.*"),
        ("upss/static", "**/*.*"),
        ("upss/standin/templates", "*.html"),
        ("upss/db/migrations", "**/*.py"),
    ):
        files = [file for file in (ROOT / folder).glob(pattern) if file.is_file()]
        files = [file for file in files if "__pycache__" not in file.parts]
        assert files
        inside = "upss/" if folder == "templates" else ""
        wanted = {f"{inside}{file.relative_to(ROOT)}" for file in files}
        assert wanted - held == set()
    assert {f"upss/translations/{code}/LC_MESSAGES/messages.mo" for code in ("es", "ca")} <= held
    assert "upss/py.typed" in held
    assert {f"upss/ledger/offline/verify_{name}.py" for name in ("ledger", "proof")} <= held
    assert not [name for name in held if name.startswith(("tests/", "tools/", "hatch_build"))]


def test_the_source_archive_builds_the_same_wheel(wheel, tmp_path):
    archive = build("sdist", tmp_path)
    (tmp_path / "source").mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", tmp_path / "source"], check=True)
    (source,) = (tmp_path / "source").iterdir()
    again = build("wheel", tmp_path / "again", source)
    assert contents(again) == contents(wheel)


def test_the_wheel_answers_from_another_folder(wheel, tmp_path, elsewhere, database: Database):
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False, symlinks=True)
    python = bare / "bin" / "python"
    site = Path(
        run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=elsewhere).strip()
    )
    # The libraries come from this environment; UPSS itself comes from the wheel alone.
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", "utf-8")
    install = [
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([sys.executable, *install, str(wheel)], check=True, capture_output=True)
    settings = {
        "UPSS_MODE": "sandbox",
        "UPSS_DATABASE_URL": database.app_url,
        "UPSS_DATABASE_OWNER_URL": database.owner_url,
        "UPSS_BASE_URL": "http://localhost",
        "UPSS_SECRET_KEY": "s" * 40,
        "UPSS_STRIPE_KEY": "sk_test_none",
        "UPSS_STRIPE_WEBHOOK_SECRET": "whsec_none",
        "UPSS_SMTP_HOST": "localhost",
        "UPSS_SMTP_TLS": "none",
        "UPSS_MAIL_FROM": "help@example.org",
        "UPSS_ORGANIZER_NAME": "Cooperativa Exemple",
        "UPSS_HELP_PHONE": "900 000 000",
        "UPSS_HELP_MAIL": "help@example.org",
    }
    assert "upss, version" in run(bare / "bin" / "upss", "--version", cwd=elsewhere)
    assert "revision" in run(bare / "bin" / "upss", "db", "upgrade", cwd=elsewhere, **settings)
    where, *lines = run(python, "-c", WALK, cwd=elsewhere, **settings).splitlines()
    assert Path(where).is_relative_to(site)
    assert lines == [
        "/ 200 False",
        "/?lang=ca 200 True",
        "/sign-in 200 False",
        "/static/upss.css 200 False",
        "/books/format.txt 200 False",
    ]


@pytest.mark.slow
@pytest.mark.skipif(
    "UPSS_NIGHTLY" not in os.environ, reason="installs every library anew: make nightly"
)
def test_the_wheel_alone_walks_the_whole_demo(wheel, tmp_path, elsewhere):
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=True, symlinks=True)
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    wanted = f"{wheel}[demo]"
    run(bare / "bin" / "python", "-m", "pip", "install", "--quiet", wanted, cwd=elsewhere, **pip)
    run(bare / "bin" / "upss", "demo", "--check", cwd=elsewhere)
