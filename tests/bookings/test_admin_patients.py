"""Patients in the admin: found by a search over sealed values, never listed unasked, every look recorded."""

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from audit.keys import keyring
from audit.models import Fact
from audit.sequencer import sequence
from bookings import registration
from bookings.models import Patient, PatientIndex, Role
from bookings.patients import reindex, search
from tests.bookings.entering import another_patient, enter, reads, said, settled_count, someone, url, visit
from tests.factories import Cast, cast

pytestmark = pytest.mark.django_db
LIST = reverse("admin:bookings_patient_changelist")
NO_PARTS = {
    f"{prefix}-{name}": 0 for prefix in ("related_persons", "identifiers") for name in ("TOTAL_FORMS", "INITIAL_FORMS")
}


@pytest.fixture
def story() -> Cast:
    """The cast, with Ada and two others to be found."""
    made = cast()
    for patient in (made.ada, another_patient(made, "Lovage"), another_patient(made, "Zuse")):
        reindex(patient)
    return made


@pytest.fixture
def desk(story: Cast) -> Client:
    return enter(story.carla)


def listed(client: Client, query: str) -> list[str]:
    return [patient.family_name for patient in client.get(LIST, {"q": query}).context["cl"].result_list]


def written(patient: Patient, **changed: object) -> dict[str, object]:
    fields = ("given_name", "family_name", "birth_date", "email", "phone", "language")
    return {**{name: getattr(patient, name) for name in fields}, "remind": "on", **NO_PARTS, **changed}


def test_nobody_is_listed_before_a_search_and_the_page_says_why(desk):
    page = desk.get(LIST)
    assert list(page.context["cl"].result_list) == []
    assert "Names are sealed" in page.content.decode()
    assert reads() == []


@pytest.mark.parametrize(
    ("query", "found"),
    [("lov", ["Lovage", "Lovelace"]), ("ada", ["Lovelace"]), ("1985-12-10", ["Lovelace"]), ("x", [])],
)
def test_a_search_finds_parts_of_names_and_birth_dates_sorted_by_name(desk, query, found):
    assert listed(desk, query) == found


def test_a_code_finds_its_patient(desk, story):
    assert listed(desk, story.ada.code.lower()) == ["Lovelace"]


def test_a_search_never_looks_into_another_clinic(story):
    assert listed(enter(story.otto), "lov") == []
    assert listed(enter(story.otto), story.ada.code) == []


def test_the_hits_of_a_search_are_recorded_as_read(desk, story):
    desk.get(LIST, {"q": "ada"})
    assert reads() == [{"chain": f"clinic/{story.clinic.pk}", "view": "patient.list", "patients": [story.ada.code]}]


def test_a_patients_page_is_recorded_as_read(desk, story):
    desk.get(url(story.ada))
    assert [read["view"] for read in reads()] == ["patient.page"]
    desk.get(url(story.ada))
    assert len(reads()) == 1


def test_what_changed_and_who_looked_is_a_press_away_for_who_reads_the_evidence(desk, story):
    assert b"audit/record" not in desk.get(url(story.ada)).content
    assert desk.get(url(story.ada, "history")).status_code == 403
    eva = enter(someone(clinic=story.clinic, role=Role.DPO))
    eva.get(url(story.ada))
    sequence()
    page = eva.get(url(story.ada)).context
    assert eva.get(url(story.ada, "history"))["Location"] == page["changes"]
    changed = eva.get(page["changes"]).context["cl"].result_list
    assert {(record.model, record.object_pk) for record in changed} == {("bookings.Patient", str(story.ada.pk))}
    looked = eva.get(page["looks"])
    assert {record.operation for record in looked.context["cl"].result_list} == {"read"}
    assert "patient.page · 1 patient" in looked.content.decode()
    other = another_patient(story, "Zuse")
    assert list(eva.get(eva.get(url(other)).context["looks"]).context["cl"].result_list) == []


def test_the_name_is_never_in_the_admins_log_nor_in_a_message(desk, story):
    response = desk.post(url(story.ada), written(story.ada, family_name="Byron"))
    messages = said(desk.get(response["Location"]))
    assert len(messages) == 1
    assert "Byron" not in messages[0]


def test_a_correction_is_saved_sealed_and_found_at_once(desk, story):
    desk.post(url(story.ada), written(story.ada, family_name="Byron", email="Ada@EXAMPLE.org"))
    ada = Patient.objects.get(pk=story.ada.pk)
    assert (ada.family_name, ada.email) == ("Byron", "Ada@example.org")
    assert [patient.pk for patient in search(clinic_ids=[story.clinic.pk], query="byron")] == [ada.pk]
    assert search(clinic_ids=[story.clinic.pk], query="lovelace") == []


def test_a_correction_is_told_as_such_with_who_and_in_which_role(desk, story):
    Fact.objects.all().delete()
    desk.post(url(story.ada), written(story.ada, family_name="Byron"))
    fact = Fact.objects.get(tbl="bookings_patient", source="t")
    assert '"case":"patient.correct"' in (fact.ctx or "")
    assert '"roles":["reception"]' in (fact.ctx or "")


def test_who_acts_for_a_patient_is_found_by_their_contact(desk, story):
    form = written(story.ada) | {
        "related_persons-TOTAL_FORMS": 1,
        "related_persons-0-name": "Annabella",
        "related_persons-0-relationship": "parent",
        "related_persons-0-email": "annabella@example.org",
        "related_persons-0-patient": story.ada.pk,
    }
    assert desk.post(url(story.ada), form).status_code == 302
    assert [patient.pk for patient in search(clinic_ids=[story.clinic.pk], query="annabella@example.org")] == [
        story.ada.pk
    ]
    assert story.ada.related_persons.filter(clinic=story.clinic).count() == 2


def test_a_new_patient_gets_a_code_a_key_and_an_index(desk, story):
    response = desk.post(
        reverse("admin:bookings_patient_add"),
        {
            "clinic": story.clinic.pk,
            "family_name": "Noether",
            "given_name": "Emmy",
            "birth_date": "1882-03-23",
            "language": "de",
        },
    )
    assert response.status_code == 302
    emmy = search(clinic_ids=[story.clinic.pk], query="noether")[0]
    assert (emmy.birth_date, emmy.language, len(emmy.code)) == ("1882-03-23", "de", 9)
    assert PatientIndex.objects.filter(patient=emmy).exists()


@pytest.mark.parametrize(
    ("field", "value", "said_"),
    [
        ("birth_date", "2999-01-01", "has not come yet"),
        ("birth_date", "31.02.1985", "valid date"),
        ("family_name", "", "required"),
        ("family_name", "123", "at least one letter"),
        ("family_name", "x" * 121, "at most 120"),
        ("family_name", "Ada\x00", "characters"),
        ("email", "nonsense", "valid email"),
        ("phone", "call me", "digits"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_nothing_is_written(desk, story, field, value, said_):
    page = desk.post(url(story.ada), written(story.ada, **{field: value}))
    assert page.status_code == 200
    assert said_ in page.content.decode()
    assert Patient.objects.get(pk=story.ada.pk).family_name == "Lovelace"


@pytest.mark.parametrize("role", [Role.PRACTITIONER, Role.DPO])
def test_who_only_looks_changes_nothing(story, role):
    client = enter(someone(clinic=story.clinic, role=role))
    page = client.get(url(story.ada))
    assert page.status_code == 200
    assert "Lovelace" in page.content.decode()
    assert client.post(url(story.ada), written(story.ada, family_name="Byron")).status_code == 403


def test_an_auditor_sees_no_patients(story):
    client = enter(someone(clinic=story.clinic, role=Role.AUDITOR))
    assert client.get(LIST).status_code == 403


def test_a_record_joined_between_reading_and_saving_is_refused_with_a_sentence(desk, story, monkeypatch):
    def joined_meanwhile(**_held):
        Patient.objects.filter(pk=story.ada.pk).update(merged_into=another_patient(story, "Kept"))

    monkeypatch.setattr("bookings.registration.lock", joined_meanwhile)
    page = desk.post(url(story.ada), written(story.ada, family_name="Byron"), follow=True)
    assert str(registration.Closed.message) in unescape(page.content.decode())
    assert Patient.objects.get(pk=story.ada.pk).family_name == "Lovelace"


def test_somebody_whose_erasure_has_begun_is_on_no_list(desk, story):
    other = another_patient(story, "Lovelace")
    for patient in (other, story.ada):
        reindex(patient)
    keyring.destroy_subject_keys(key_ids=[story.ada.key_id])
    assert search(clinic_ids=[story.clinic.pk], query="Lovelace") == [other]
    assert desk.get(LIST, {"q": "Lovelace"}).status_code == 200


def test_of_an_erased_patient_only_the_code_is_left(desk, story):
    visit(story)
    keyring.destroy_subject_keys(key_ids=[story.ada.key_id])
    Patient.objects.filter(pk=story.ada.pk).update(erased_at="2026-11-01T00:00Z")
    page = desk.get(url(story.ada))
    assert page.status_code == 200
    assert story.ada.code in page.content.decode()
    assert desk.post(url(story.ada), written(Patient(language="en"), family_name="Byron")).status_code == 403
    assert desk.get(reverse("admin:bookings_appointment_changelist"), {"when": "all"}).status_code == 200


def test_a_list_takes_as_many_queries_for_three_hits_as_for_one(desk, story):
    one = settled_count(desk, f"{LIST}?q=zuse")
    another_patient_of = [another_patient(story, f"Zuse{number}") for number in range(2)]
    for patient in another_patient_of:
        reindex(patient)
    assert len(listed(desk, "zuse")) == 3
    assert settled_count(desk, f"{LIST}?q=zuse") == one


def test_a_page_takes_as_many_queries_for_three_appointments_as_for_one(desk, story):
    first = visit(story)
    one = settled_count(desk, url(story.ada))
    for number in range(2):
        visit(story, start=first.end.replace(hour=12 + number), end=first.end.replace(hour=13 + number))
    assert settled_count(desk, url(story.ada)) == one
