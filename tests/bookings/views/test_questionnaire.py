"""The clinic's questions and its consents in the form of a booking: none must be answered, none is lost, none is
ticked beforehand."""

import re
from typing import Any

import pytest

from bookings import parties
from bookings.models import Answer, Consent, ContactChallenge, Draft, NoticeShown
from tests.bookings.asking import choice, question, wording
from tests.bookings.views.walk import DETAILS, NINE, Walk, heading
from tests.factories import NoticeFactory, OfferFactory, ServiceFactory

pytestmark = pytest.mark.django_db


def shown(walk: Walk, draft: Draft, **headers: str) -> str:
    """The form's page."""
    page: str = walk.client.get(walk.address(draft), headers=headers).content.decode()
    return page


def kept(draft: Draft) -> dict[str, str]:
    """What the draft keeps."""
    return parties.read(Draft.objects.get(pk=draft.pk))


def in_german(walk: Walk, draft: Draft, **typed: str) -> Any:
    """Press the button of another language, with what was typed so far."""
    return walk.client.post(
        walk.address(draft, "draft-language"), {**DETAILS, **typed, "language": "de", "next": walk.address(draft)}
    )


# --- questions


def test_a_service_that_asks_nothing_has_no_questions_on_its_form(walk: Walk) -> None:
    page = shown(walk, walk.draft())
    assert ("Questions of the clinic" in page, "What you may agree to" in page) == (False, False)


def test_questions_stand_after_the_patient_and_need_no_answer(walk: Walk) -> None:
    question(walk.people.service, "Medicines?", hint="All of them.")
    number = question(walk.people.service, "How tall?", kind="number")
    day = question(walk.people.service, "Since when?", kind="date")
    smokes = choice(walk.people.service)
    draft = walk.draft()
    page = shown(walk, draft)
    order = [page.index(text) for text in ("Birth date", "Questions of the clinic", "Medicines?", "How we reach you")]
    assert order == sorted(order)
    assert page.count("You need not answer") == 1
    assert f'aria-describedby="id_q{day.pk}_helptext"' in page
    assert "Day, month and year, such as 24.12.2026." in page
    assert f'name="q{number.pk}"' in page
    assert 'inputmode="decimal"' in page
    radios = re.findall(rf'<input type="radio" name="q{smokes.pk}" value="([^"]*)"[^>]*?(checked)?>', page)
    assert [value for value, _ in radios] == ["", "Yes", "No"]
    assert walk.fill(draft).status_code == 302


def test_what_was_answered_is_booked_with_the_visit_and_shown_when_the_form_comes_back(walk: Walk) -> None:
    text, smokes = question(walk.people.service, "Medicines?"), choice(walk.people.service)
    draft = walk.draft()
    assert walk.fill(draft, **{f"q{text.pk}": "None <b>", f"q{smokes.pk}": "No"}).status_code == 302
    page = shown(walk, draft)
    assert "None &lt;b&gt;</textarea>" in page
    assert re.search(r'value="No"[^>]* checked', page)
    walk.type_code(draft)
    assert [(one.asked, one.language, one.value) for one in Answer.objects.all()] == [
        ("Medicines?", "en", "None <b>"),
        ("Do you smoke?", "en", "No"),
    ]


def test_a_wrong_number_and_a_wrong_date_are_listed_and_nothing_is_lost(walk: Walk) -> None:
    number = question(walk.people.service, "How tall?", kind="number")
    day = question(walk.people.service, "Since when?", kind="date")
    smokes = choice(walk.people.service)
    draft = walk.draft()
    wrong = {f"q{number.pk}": "tall", f"q{day.pk}": "30.2.2026", f"q{smokes.pk}": "Perhaps"}
    response = walk.fill(draft, **wrong)
    page = response.content.decode()
    assert (response.status_code, heading(response)) == (422, "Your details")
    assert f'href="#id_q{number.pk}">Write a number, such as 3 or 2.5, or leave this empty.' in page
    assert f'href="#id_q{day.pk}">Write the date as day, month and year' in page
    assert f'href="#id_q{smokes.pk}">Choose one of these answers, or none.' in page
    assert f'<fieldset class="field wrong" id="id_q{smokes.pk}" aria-describedby="id_q{smokes.pk}_error">' in page
    for again in (page, shown(walk, draft)):
        assert 'value="tall"' in again
        assert 'value="30.2.2026"' in again
    assert ContactChallenge.objects.count() == 0


@pytest.mark.parametrize("kind", ["text", "choice", "number", "date"])
@pytest.mark.parametrize("value", ["x" * 10_000, "Nul\0l", "\x1b[31m"])
def test_hostile_answers_are_a_422_and_the_form_opens_again(walk: Walk, kind: str, value: str) -> None:
    row = question(walk.people.service, kind=kind, options=["Yes"] if kind == "choice" else [])
    draft = walk.draft()
    assert walk.fill(draft, **{f"q{row.pk}": value}).status_code == 422
    assert walk.client.get(walk.address(draft)).status_code == 200


def test_another_language_midway_keeps_the_answers_in_its_own_words(walk: Walk) -> None:
    smokes, other = choice(walk.people.service), question(walk.people.service, "Medicines?")
    draft = walk.draft()
    in_german(walk, draft, **{f"q{smokes.pk}": "No", f"q{other.pk}": "Keine"})
    page = shown(walk, draft)
    assert "Rauchen Sie?" in page
    assert re.search(r'value="Nein"[^>]* checked', page)
    assert '<span lang="en">Medicines?</span>' in page
    assert "Keine</textarea>" in page
    walk.fill(draft, **{f"q{smokes.pk}": "Nein", f"q{other.pk}": "Keine"})
    walk.type_code(draft)
    assert [(one.asked, one.language, one.value) for one in Answer.objects.order_by("pk")] == [
        ("Rauchen Sie?", "de", "Nein"),
        ("Medicines?", "en", "Keine"),
    ]


def test_a_language_changed_on_the_page_of_the_code_changes_no_answer(walk: Walk) -> None:
    smokes = choice(walk.people.service)
    draft = walk.draft()
    walk.fill(draft, **{f"q{smokes.pk}": "No"})
    walk.client.post("/i18n/setlang/", {"language": "de", "next": walk.address(draft, "code")})
    assert walk.type_code(draft).status_code == 302
    assert [(one.asked, one.language, one.value) for one in Answer.objects.all()] == [("Do you smoke?", "en", "No")]


def test_a_question_that_comes_or_goes_while_the_form_is_open_breaks_nothing(walk: Walk) -> None:
    gone, stays = question(walk.people.service, "Gone?"), question(walk.people.service, "Stays?")
    draft = walk.draft()
    shown(walk, draft)
    gone_pk = gone.pk
    gone.delete()
    question(walk.people.service, "New?")
    assert walk.fill(draft, **{f"q{gone_pk}": "A", f"q{stays.pk}": "B"}).status_code == 302
    assert walk.type_code(draft).status_code == 302
    assert [one.value for one in Answer.objects.all()] == ["B"]


def test_keeping_the_time_longer_keeps_the_answers(walk: Walk) -> None:
    row = question(walk.people.service)
    draft = walk.draft()
    walk.client.post(walk.address(draft, "extend"), {**DETAILS, f"q{row.pk}": "No"})
    assert kept(draft)[f"q{row.pk}"] == "No"


def test_another_time_chosen_keeps_the_answers(walk: Walk) -> None:
    row = question(walk.people.service)
    draft = walk.draft()
    walk.fill(draft, **{f"q{row.pk}": "No"})
    walk.hold(NINE.replace(hour=10), draft=str(draft.pk))
    assert kept(draft)[f"q{row.pk}"] == "No"


def test_siblings_are_each_asked_by_their_number(walk: Walk) -> None:
    row = question(walk.people.service)
    draft = walk.draft(people="2")
    page = shown(walk, draft)
    assert ("Questions of the clinic · Person 1" in page, "Questions of the clinic · Person 2" in page) == (True, True)
    assert page.count("You need not answer") == 1
    second = {"given_name_2": "Yann", "family_name_2": "Å"}
    assert walk.fill(draft, **second, **{f"q{row.pk}": "A", f"q{row.pk}_2": "B"}).status_code == 302
    walk.type_code(draft)
    assert {one.value: one.appointment.patient.given_name for one in Answer.objects.all()} == {"A": "Zoë", "B": "Yann"}


def test_two_services_have_their_questions_apart_under_their_names(walk: Walk) -> None:
    second = OfferFactory(
        service=ServiceFactory(clinic=walk.people.clinic, name="Blood test", slug="blood-test"),
        practitioner=walk.people.demir,
    ).service
    first_asks, second_asks = question(walk.people.service, "First?"), question(second, "Fasting?")
    draft = walk.draft(NINE, **{"with": "blood-test"})
    page = shown(walk, draft)
    legends = [" ".join(found.split()) for found in re.findall(r"<legend>(Questions of the clinic[^<]*)", page)]
    assert legends == ["Questions of the clinic · Consultation", "Questions of the clinic · Blood test"]
    walk.fill(draft, **{f"q{first_asks.pk}": "A", f"q{second_asks.pk}": "B"})
    walk.type_code(draft)
    assert {one.value: one.appointment.service.name for one in Answer.objects.all()} == {
        "A": "Consultation",
        "B": "Blood test",
    }


@pytest.mark.parametrize("rows", [1, 3])
def test_the_form_takes_as_many_queries_for_three_questions_as_for_one(
    walk: Walk, django_assert_num_queries: Any, rows: int
) -> None:
    for number in range(rows):
        choice(walk.people.service, f"Number {number}?")
    draft = walk.draft()
    shown(walk, draft)
    with django_assert_num_queries(9):
        shown(walk, draft)


# --- consents


def box(page: str, purpose: str = "reminders") -> tuple[str, bool, str]:
    """A consent on the page: which words stand there, whether it is ticked, the words themselves."""
    found = re.search(
        rf'name="consent_{purpose}_text" value="(\d+)">'
        rf'.*?name="consent_{purpose}"[^>]*?( checked)?><span>(.*?)</label>',
        page,
        re.DOTALL,
    )
    assert found is not None
    return found[1], bool(found[2]), re.sub(r"<(?!span lang)[^>]+>", "", found[3]).strip()


def test_consent_is_asked_in_the_readers_words_and_never_ticked_beforehand(walk: Walk) -> None:
    english = wording(walk.people.clinic)
    german = wording(walk.people.clinic, "Erinnern Sie mich per E-Mail.", language="de")
    draft = walk.draft()
    assert box(shown(walk, draft)) == (str(english.pk), False, "Remind me of my appointments by e-mail.")
    german_page = shown(walk, draft, **{"Accept-Language": "de"})
    assert box(german_page) == (str(german.pk), False, "Erinnern Sie mich per E-Mail.")
    dutch = shown(walk, draft, **{"Accept-Language": "nl"})
    assert box(dutch)[2] == '<span lang="en">Remind me of my appointments by e-mail.'


def test_the_address_promises_no_reminder_that_may_not_come(walk: Walk) -> None:
    assert "We send a code there now, and what you book." in shown(walk, walk.draft())


def test_a_tick_is_a_consent_to_the_words_that_stood_there(walk: Walk) -> None:
    text = wording(walk.people.clinic)
    draft = walk.draft()
    walk.fill(draft, consent_reminders="on", consent_reminders_text=str(text.pk))
    assert box(shown(walk, draft))[1]
    wording(walk.people.clinic, "Newer", version=2)
    walk.type_code(draft)
    given = Consent.objects.get()
    assert (given.text, given.source, given.patient.given_name) == (text, "web", "Zoë")


def test_words_that_changed_while_the_form_was_open_do_not_count_as_those_that_were_ticked(walk: Walk) -> None:
    """What was ticked is recorded as it stood; the page never shows the tick beside the newer words."""
    old = wording(walk.people.clinic)
    draft = walk.draft()
    shown(walk, draft)
    newer = wording(walk.people.clinic, "Newer", version=2)
    ticked = {"consent_reminders": "on", "consent_reminders_text": str(old.pk)}
    wrong = walk.fill(draft, family_name="", **ticked).content.decode()
    assert box(wrong) == (str(newer.pk), False, "Newer")
    walk.fill(draft, **ticked)
    walk.type_code(draft)
    assert Consent.objects.get().text == old


def test_no_tick_is_no_consent_and_books_all_the_same(walk: Walk) -> None:
    text = wording(walk.people.clinic)
    walk.booked(consent_reminders_text=str(text.pk))
    assert Consent.objects.count() == 0


def test_a_tick_outlives_a_mistake_and_another_language(walk: Walk) -> None:
    english = wording(walk.people.clinic)
    german = wording(walk.people.clinic, "Erinnern Sie mich.", language="de")
    draft = walk.draft()
    ticked = {"consent_reminders": "on", "consent_reminders_text": str(english.pk)}
    assert box(walk.fill(draft, email="no", **ticked).content.decode())[1]
    in_german(walk, draft, **ticked)
    assert box(shown(walk, draft)) == (str(german.pk), True, "Erinnern Sie mich.")


def test_the_notice_in_the_language_it_was_shown_in_is_what_is_recorded(walk: Walk) -> None:
    """Dutch readers are shown the clinic's first language, marked; the proof names that text and no other."""
    english = walk.people.clinic.privacy_notices.get()
    german = NoticeFactory(clinic=walk.people.clinic, language="de", body="Ihre Daten.")
    draft = walk.draft()
    dutch = shown(walk, draft, **{"Accept-Language": "nl"})
    assert f'name="notice" value="{english.pk}"' in dutch
    assert '<div class="prose" lang="en"><p>What we do with your data.' in dutch
    in_german(walk, draft, notice=str(english.pk))
    page = shown(walk, draft)
    assert f'name="notice" value="{german.pk}"' in page
    assert '<div class="prose" lang="de"><p>Ihre Daten.' in page
    walk.fill(draft, notice=str(german.pk))
    walk.type_code(draft)
    assert NoticeShown.objects.get().notice == german
