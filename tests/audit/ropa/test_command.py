"""`manage.py ropa_export`."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit import declare
from tests.factories import ClinicFactory

pytestmark = pytest.mark.django_db


def test_one_clinic_is_exported_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ClinicFactory(slug="parc", legal_name="Cabinet du Parc SAS")
    ClinicFactory(slug="ring")
    call_command("ropa_export", "--out", str(tmp_path), "--clinic", "parc")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert "ropa-parc.json" in names
    assert "ropa-parc.xlsx" in names
    assert "ropa-parc-activities.csv" in names
    assert not [name for name in names if "ring" in name]
    document = json.loads((tmp_path / "ropa-parc.json").read_text())
    assert document["controller"]["legal_name"] == "Cabinet du Parc SAS"
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == f"To complete by people: {document['to_complete_count']} places, listed in each file."
    assert told[:-1] == [str(tmp_path / name) for name in sorted(names, key=[Path(line).name for line in told].index)]


def test_without_a_clinic_named_each_has_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ClinicFactory(slug="parc")
    ClinicFactory(slug="ring")
    call_command("ropa_export", "--out", str(tmp_path), "--format", "json", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["files"] == [str(tmp_path / "ropa-parc.json"), str(tmp_path / "ropa-ring.json")]
    assert report["to_complete"] > 10


def test_an_installation_without_clinics_is_exported_with_marks(tmp_path: Path) -> None:
    call_command("ropa_export", "--out", str(tmp_path), "--format", "json")
    assert json.loads((tmp_path / "ropa.json").read_text())["controller"]["clinic"].startswith("TO COMPLETE")


def test_an_unknown_clinic_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No clinic has the address 'shoe'"):
        call_command("ropa_export", "--out", str(tmp_path), "--clinic", "shoe")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match=r"file cannot be written: "):
        call_command("ropa_export", "--out", str(tmp_path / "file"))


def test_a_table_without_a_declaration_stops_the_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    less = {label: found for label, found in declare._declared.items() if label != "bookings.patient"}
    monkeypatch.setattr(declare, "_declared", less)
    with pytest.raises(CommandError, match=r"would not be true: bookings\.Patient is neither audited nor exempt"):
        call_command("ropa_export", "--out", str(tmp_path))
    assert list(tmp_path.iterdir()) == []
