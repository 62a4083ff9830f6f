"""The records of processing hold everything that is declared, and say what only people know."""

import datetime
import json
from typing import Any

import pytest
from django.db import models

from audit.declare import Declaration, declarations
from audit.residency import Endpoint, Verdict
from audit.ropa import transfers
from audit.ropa.document import TO_COMPLETE, build
from bookings.models import Clinic

NOW = datetime.datetime(2026, 11, 30, 9, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
HERE = Verdict(Endpoint("DATABASE_URL", "database", "", "local"), "loopback", True, "")
MAIL = Verdict(Endpoint("EMAIL_URL", "mail", "mail.example.eu", "verified"), "DE", True, "")
AWAY = Verdict(Endpoint("FILES_URL", "files", "files.example.com", "verified"), "US", False, "outside")


def document(*, endpoints: list[Verdict] | None = None, clinic: models.Model | None = None) -> dict[str, Any]:
    known: list[Declaration] = list(declarations().values())
    return build(declared=known, endpoints=[HERE, MAIL] if endpoints is None else endpoints, clinic=clinic, now=NOW)


def test_every_category_recipient_retention_and_source_declared_is_in_the_records() -> None:
    activities = {activity["activity"]: activity for activity in document()["activities"]}
    used = [declaration for declaration in declarations().values() if declaration.use is not None]
    assert len(used) > 20
    for declaration in used:
        use = declaration.use
        assert use is not None
        activity = activities[use.activity]
        assert use.purpose in activity["purposes"]
        assert use.basis in activity["legal_bases"]
        assert use.source in activity["sources"]
        assert set(use.subjects) <= set(activity["data_subjects"])
        assert set(use.recipients) <= set(activity["recipients"])
        assert {"class": str(use.retention), "duration": use.duration} in activity["retention"]
        said = {(row["model"], row["field"], row["category"]) for row in activity["data"]}
        for name, category in declaration.categories.items():
            assert (declaration.label, name, str(category)) in said


def test_the_records_hold_nothing_that_is_not_declared() -> None:
    declared = {
        (declaration.label, name, str(category))
        for declaration in declarations().values()
        for name, category in declaration.categories.items()
    }
    rows = [row for activity in document()["activities"] for row in activity["data"]]
    assert {(row["model"], row["field"], row["category"]) for row in rows} <= declared
    assert len(rows) == len({(row["model"], row["field"]) for row in rows})


def test_a_model_without_a_use_is_named_all_the_same() -> None:
    made = document()
    named = {row["model"] for activity in made["activities"] for row in activity["models"]}
    named |= {row["model"] for row in made["models_without_a_use"]}
    assert named == {declaration.label for declaration in declarations().values()}


def test_special_categories_and_protection_are_said_by_field() -> None:
    rows = {(row["model"], row["field"]): row for activity in document()["activities"] for row in activity["data"]}
    reason, start = rows["bookings.Appointment", "reason"], rows["bookings.Appointment", "start"]
    assert (reason["category"], reason["special"], reason["protection"]) == ("health", True, "sealed")
    assert (start["category"], start["special"], start["protection"]) == ("schedule", True, "clear")
    assert rows["bookings.User", "password"]["protection"] == "digest only in the evidence"
    assert rows["bookings.RelatedPerson", "relationship"]["reason"]


def test_the_controller_is_the_clinic() -> None:
    clinic = Clinic(
        name="Cabinet du Parc", legal_name="Cabinet du Parc SAS", address="1 place", phone="1", email="a@b.eu"
    )
    controller = document(clinic=clinic)["controller"]
    assert controller["legal_name"] == "Cabinet du Parc SAS"
    assert controller["address"] == "1 place"
    assert controller["data_protection_officer"].startswith(TO_COMPLETE)


def test_what_people_must_complete_is_marked_listed_and_counted() -> None:
    made = document()
    assert made["to_complete_count"] == len(made["to_complete"]) == json.dumps(made).count(f'"{TO_COMPLETE}: ')
    places = [entry["where"] for entry in made["to_complete"]]
    assert len(set(places)) == len(places)
    assert "controller.data_protection_officer" in places
    assert "processors[mail.example.eu].contract" in places
    assert "security_measures.backup_plan" in places
    assert "activities[Booking and keeping appointments].impact_assessment" in places


def test_an_endpoint_away_from_this_machine_is_a_processor_and_one_outside_needs_safeguards() -> None:
    made = document(endpoints=[HERE, MAIL, AWAY])
    assert [(row["host"], row["place"]) for row in made["processors"]] == [
        ("files.example.com", "US"),
        ("mail.example.eu", "DE"),
    ]
    assert made["transfers"]["outside_declared_list"] == ["files.example.com"]
    assert made["transfers"]["safeguards"].startswith(
        f"{TO_COMPLETE}: safeguards under Chapter V for files.example.com"
    )
    assert document()["transfers"]["safeguards"] == "none needed"


def test_nobody_to_ask_about_endpoints_is_not_the_same_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "_asked", [])
    assert transfers.endpoints() is None
    made = build(declared=[], endpoints=None, clinic=None, now=NOW)
    assert made["transfers"]["outside_declared_list"].startswith(TO_COMPLETE)


def test_the_house_says_where_data_go() -> None:
    asked = transfers.endpoints()
    assert asked is not None
    assert "DATABASE_URL" in {verdict.endpoint.setting for verdict in asked}


def test_the_same_input_gives_the_same_bytes() -> None:
    assert json.dumps(document()) == json.dumps(document())
    assert document()["made_at"] == "2026-11-30T08:00:00Z"
