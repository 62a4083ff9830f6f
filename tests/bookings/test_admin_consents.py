"""Consents in the admin: words that are never edited, and a yes or a no written down at the desk."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.erasure import erase
from bookings import consents, questions
from bookings.models import Answer, Consent, ConsentText, Role
from tests.bookings.asking import wording
from tests.bookings.entering import enter, reads, someone, url, visit
from tests.bookings.story import CARLA, NOW
from tests.bookings.test_admin_patients import NO_PARTS, written
from tests.factories import Cast, PatientFactory, RelatedPersonFactory, cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def desk(story: Cast) -> Client:
    return enter(story.carla)


def page_of(patient: Any) -> str:
    return reverse("admin:bookings_patient_consents", args=[patient.pk])


def given(story: Cast, **how: Any) -> Consent:
    text = how.pop("text", None) or wording(story.clinic)
    return consents.give(
        actor=CARLA, now=NOW, **{"patient": story.ada, "text": text, "source": Consent.Source.WEB, **how}
    )


# --- the words


def test_words_are_added_and_never_edited(story):
    manager = enter(someone(clinic=story.clinic, role=Role.MANAGER))
    add = reverse("admin:bookings_consenttext_add")
    assert manager.get(add).context["adminform"].form.initial["version"] == 1
    typed = {"clinic": story.clinic.pk, "purpose": "reminders", "version": 1, "language": "en", "body": "Remind me."}
    assert manager.post(add, typed).status_code == 302
    text = ConsentText.objects.get()
    assert manager.post(url(text), {**typed, "body": "Other"}).status_code == 403
    assert manager.post(url(text, "delete"), {"post": "yes"}).status_code == 403
    assert ConsentText.objects.get().body == "Remind me."
    again = manager.post(add, typed)
    assert "already exists" in again.content.decode()
    assert manager.get(add).context["adminform"].form.initial["version"] == 2


def test_reception_reads_the_words_and_adds_none(story, desk):
    text = wording(story.clinic)
    assert desk.get(url(text)).status_code == 200
    assert desk.get(reverse("admin:bookings_consenttext_add")).status_code == 403


# --- at the desk


def test_a_patients_page_says_what_stands_and_what_was_taken_back(story, desk):
    text = wording(story.clinic)
    consents.withdraw(actor=CARLA, now=NOW + timedelta(days=1), consent=given(story, text=text))
    given(story, text=text, given_by=story.ben)
    page = desk.get(url(story.ada)).content.decode()
    said = "reminders of appointments: reminders of appointments v1 (en) · Fri, 27 Nov 2026, on the booking pages"
    assert f"<li>{said} · by Ben Lovelace</li>" in page
    assert f"<li>{said} · taken back Sat, 28 Nov 2026</li>" in page
    assert f'href="{page_of(story.ada)}"' in page


def test_a_yes_and_a_no_are_written_down_with_who_said_so(story, desk):
    text = wording(story.clinic)
    shown = desk.get(page_of(story.ada)).content.decode()
    assert '<blockquote lang="en">Remind me of my appointments by e-mail.</blockquote>' in shown
    assert desk.post(page_of(story.ada), {"give": text.pk, "given_by": story.ben.pk}).status_code == 302
    stands = Consent.objects.get()
    assert (stands.source, stands.given_by, stands.text) == ("desk", story.ben, text)
    shown = desk.get(page_of(story.ada)).content.decode()
    assert ("They take it back" in shown, "They say yes" in shown) == (True, False)
    assert desk.post(page_of(story.ada), {"withdraw": stands.pk}).status_code == 302
    assert consents.standing(story.ada) == []


def test_it_is_read_out_in_the_patients_language(story, desk):
    wording(story.clinic)
    wording(story.clinic, "Erinnern Sie mich.", language="de")
    story.ada.language = "de"
    story.ada.save()
    assert '<blockquote lang="de">Erinnern Sie mich.</blockquote>' in desk.get(page_of(story.ada)).content.decode()


def test_what_the_page_does_not_offer_is_the_same_404(story, desk):
    stands = given(story)
    other = PatientFactory(clinic=story.clinic)
    foreign = wording(story.elsewhere)
    for button in (
        {"give": stands.text.pk},
        {"give": foreign.pk},
        {"give": "x"},
        {"withdraw": "0"},
        {"withdraw": "x"},
        {},
    ):
        assert desk.post(page_of(story.ada), button).status_code == 404, button
    assert desk.post(page_of(other), {"withdraw": stands.pk}).status_code == 404
    assert Consent.objects.get().withdrawn_at is None


def test_somebody_who_acts_for_another_patient_says_nothing_for_this_one(story, desk):
    stranger = RelatedPersonFactory(patient=PatientFactory(clinic=story.clinic))
    desk.post(page_of(story.ada), {"give": wording(story.clinic).pk, "given_by": stranger.pk})
    assert Consent.objects.count() == 0


def test_another_clinics_reception_and_whoever_only_looks_write_nothing(story):
    text = wording(story.clinic)
    assert enter(story.otto).get(page_of(story.ada)).status_code == 404
    doctor = enter(someone(clinic=story.clinic, role=Role.PRACTITIONER))
    assert "They say yes" not in doctor.get(page_of(story.ada)).content.decode()
    assert doctor.post(page_of(story.ada), {"give": text.pk}).status_code == 404
    auditor = enter(someone(clinic=story.clinic, role=Role.AUDITOR, name="aud"))
    assert auditor.get(page_of(story.ada)).status_code == 404
    assert Consent.objects.count() == 0


def test_the_page_of_somebody_erased_is_gone(story, desk):
    erase(actor=CARLA, now=NOW, subject=story.ada)
    assert desk.get(page_of(story.ada)).status_code == 404


def test_looking_is_recorded(story, desk):
    desk.get(page_of(story.ada))
    assert [(read["view"], read["patients"]) for read in reads()] == [("patient.consents", [story.ada.code])]


# --- the patient's page


@pytest.mark.parametrize("name", ["confidential", "safe_contact"])
def test_how_a_patient_is_kept_is_written_on_their_page(story, desk, name):
    desk.post(url(story.ada), written(story.ada, **{name: "on"}))
    story.ada.refresh_from_db()
    assert (getattr(story.ada, name), story.ada.remind) == (True, True)


def test_reminders_are_switched_off_at_the_desk(story, desk):
    desk.post(url(story.ada), written(story.ada, remind=""))
    story.ada.refresh_from_db()
    assert story.ada.remind is False


def test_by_what_right_somebody_acts_is_written_down(story, desk):
    typed = written(story.ada) | NO_PARTS
    typed |= {
        "related_persons-TOTAL_FORMS": 1,
        "related_persons-INITIAL_FORMS": 1,
        "related_persons-0-id": story.ben.pk,
        "related_persons-0-patient": story.ada.pk,
        "related_persons-0-name": "Ben Lovelace",
        "related_persons-0-relationship": "guardian",
        "related_persons-0-email": "ben@example.org",
        "related_persons-0-authority": "court",
    }
    assert desk.post(url(story.ada), typed).status_code == 302
    story.ben.refresh_from_db()
    assert story.ben.authority == "court"


# --- answers


def answered(story: Cast) -> Answer:
    appointment = visit(story)
    return Answer.objects.create(
        clinic=story.clinic,
        appointment=appointment,
        question=None,
        asked="Rauchen Sie?",
        value="Nein <b>\nNie",
        language="de",
    )


def test_an_appointments_page_shows_each_question_as_asked_with_its_answer(story, desk):
    answer = answered(story)
    page = desk.get(url(answer.appointment)).content.decode()
    assert '<dt lang="de">Rauchen Sie?</dt><dd>Nein &lt;b&gt;<br>Nie</dd>' in page
    assert len(questions.answered(answer.appointment)) == 1


def test_an_appointment_without_answers_has_no_line_for_them(story, desk):
    assert "uestions of the clinic" not in desk.get(url(visit(story))).content.decode()


def test_no_list_shows_an_answer(story, desk):
    answered(story)
    listed = desk.get(reverse("admin:bookings_appointment_changelist"), {"when": "all"}).content.decode()
    assert ("Rauchen" in listed, "Nein" in listed) == (False, False)


def test_where_nothing_is_asked_there_is_a_way_on(desk, story):
    add = reverse("admin:bookings_consenttext_add")
    page = desk.get(page_of(story.ada)).content.decode()
    assert "A manager writes them" in page
    assert add not in page
    assert add in enter(someone(clinic=story.clinic, role=Role.MANAGER)).get(page_of(story.ada)).content.decode()
