"""What `make check` refuses: each gate is run over a copy of the tree in which one rule is broken."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import ROOT

ROOMS = ("audit", "bookings", "calendars", "config", "notifications")
CHECK = (sys.executable, "manage.py", "check", "--fail-level", "WARNING")
IMPORTS = (str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", "pyproject.toml")
PRACTITIONER = '    name = models.CharField(_("name"), max_length=120)\n    languages'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code; what the gates only read is linked."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "pyproject.toml", "templates", "static", "locale"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def gate(tree: Path, command: tuple[str, ...]) -> tuple[int, str]:
    environment = {**os.environ, "HORAE_DATA": str(tree / "data"), "DJANGO_SETTINGS_MODULE": "config.settings"}
    environment["PYTHONPATH"] = str(tree)
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def change(tree: Path, path: str, *, before: str, after: str) -> None:
    text = (tree / path).read_text()
    assert before in text
    (tree / path).write_text(text.replace(before, after, 1))


def test_the_untouched_tree_passes_both_gates(tree: Path) -> None:
    assert gate(tree, CHECK)[0] == 0, gate(tree, CHECK)[1]
    assert gate(tree, IMPORTS)[0] == 0


def test_a_field_without_classification_is_refused(tree: Path) -> None:
    field = '    nickname = models.CharField(max_length=20, default="")\n'
    change(tree, "bookings/models/people.py", before=PRACTITIONER, after=field + PRACTITIONER)
    code, said = gate(tree, CHECK)
    assert code != 0
    assert "nickname" in said


def test_a_model_neither_audited_nor_exempt_is_refused(tree: Path) -> None:
    model = "\n\nclass Stranger(models.Model):\n    created = models.DateTimeField(db_default=Now())\n"
    text = (tree / "bookings/models/notices.py").read_text()
    (tree / "bookings/models/notices.py").write_text(text + model)
    code, said = gate(tree, CHECK)
    assert code != 0
    assert "Stranger" in said


@pytest.mark.parametrize(
    ("room", "imported"),
    [("audit", "bookings.models"), ("bookings", "notifications.models"), ("calendars", "notifications.models")],
)
def test_an_import_against_the_rule_is_refused(tree: Path, room: str, imported: str) -> None:
    (tree / room / "stray.py").write_text(f"import {imported}\n")
    code, said = gate(tree, IMPORTS)
    assert code != 0
    assert f"{room}.stray" in said


def test_an_endpoint_outside_the_declared_list_stops_the_process(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp+tls://user:secret@mail.example.com:587")
    code, said = gate(tree, (sys.executable, "-c", "import config.wsgi"))
    assert code != 0
    assert "EMAIL_URL" in said
    assert "secret" not in said
