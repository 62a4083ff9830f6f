"""What clinics offer, worded for the reader."""

from datetime import date
from typing import Any

import pytest

from bookings import offers
from bookings.models import ClinicText, Location, LocationText, ServiceText
from bookings.offers import Words
from tests.factories import Cast, LocationFactory, NoticeFactory, cast, open_week

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 27)


@pytest.fixture
def people(db: None) -> Cast:
    return cast(instructions="Venez à jeun")


def test_a_text_falls_back_field_by_field_and_says_its_language(people: Cast) -> None:
    people.clinic.language = "fr"
    ServiceText.objects.create(clinic=people.clinic, service=people.service, language="de", name="Sprechstunde")
    found = offers.offer(clinic=people.clinic, slug="consultation", language="de", today=TODAY)
    assert found is not None
    assert (found.name, found.instructions) == (offers.Words("Sprechstunde", "de"), offers.Words("Venez à jeun", "fr"))


def test_hours_that_are_over_are_no_place_to_be_sent_to(people: Cast) -> None:
    people.demir.schedule.opening_hours.update(valid_until=date(2026, 11, 26))
    found = offers.offer(clinic=people.clinic, slug="consultation", language="en", today=TODAY)
    assert found is not None
    assert found.locations == ()
    open_week(of=people.demir, at=people.location, valid_until=TODAY)
    again = offers.offer(clinic=people.clinic, slug="consultation", language="en", today=TODAY)
    assert again is not None
    assert again.locations == (people.location,)


def test_who_left_and_where_nobody_works_any_more_is_not_offered(people: Cast) -> None:
    people.location.active = False
    people.location.save()
    people.demir.active = False
    people.demir.save()
    found = offers.offer(clinic=people.clinic, slug="consultation", language="en", today=TODAY)
    assert found is not None
    assert (found.locations, found.practitioners) == ((), ())


def test_the_newest_notice_comes_in_the_readers_language_else_in_the_clinics(people: Cast) -> None:
    english = NoticeFactory(clinic=people.clinic, version=1, language="en")
    german = NoticeFactory(clinic=people.clinic, version=2, language="de")
    people.clinic.language = "en"
    assert offers.privacy_notice(clinic=people.clinic, language="de") == german
    assert offers.privacy_notice(clinic=people.clinic, language="nl") == english
    assert offers.privacy_notice(clinic=people.elsewhere, language="nl") is None


def test_a_notice_of_another_clinic_was_not_shown(people: Cast) -> None:
    theirs = NoticeFactory(clinic=people.elsewhere)
    assert offers.notice_shown(clinic=people.clinic, pk=str(theirs.pk)) is None


def test_every_word_of_a_search_must_match_name_place_or_service(people: Cast) -> None:
    assert list(offers.open_clinics(query="parc consultation lyon")) == [people.clinic]
    assert list(offers.open_clinics(query="parc zzz")) == []


# --- a clinic's own texts in further languages


def in_german(people: Cast, **texts: str) -> None:
    ClinicText.objects.create(clinic=people.clinic, language="de", **texts)


@pytest.mark.parametrize("what", ["hours_text", "imprint", "accessibility"])
def test_a_clinics_text_comes_in_the_readers_language_or_marked_with_its_own(people: Cast, what: Any) -> None:
    own = Words(getattr(people.clinic, what), "en")
    assert offers.words_of(people.clinic, what, language="de") == own
    in_german(people, **{what: "Auf Deutsch"})
    assert offers.words_of(people.clinic, what, language="de") == Words("Auf Deutsch", "de")
    assert offers.words_of(people.clinic, what, language="nl") == own
    assert offers.words_of(people.clinic, what, language="en") == own


def test_a_text_left_empty_in_a_language_falls_back_alone(people: Cast) -> None:
    in_german(people, imprint="Impressum")
    assert offers.words_of(people.clinic, "imprint", language="de") == Words("Impressum", "de")
    assert offers.words_of(people.clinic, "hours_text", language="de") == Words(people.clinic.hours_text, "en")


def test_texts_cost_readers_of_the_first_language_nothing_and_others_one_query(
    people: Cast, django_assert_num_queries: Any
) -> None:
    in_german(people, hours_text="Mo bis Fr")
    with django_assert_num_queries(0):
        offers.words_of(people.clinic, "hours_text", language="en")
    clinics = [people.clinic, people.elsewhere]
    with django_assert_num_queries(1):
        found = offers.words_of_each(clinics, "hours_text", language="de")
    assert {pk: str(words) for pk, words in found.items()} == {
        people.clinic.pk: "Mo bis Fr",
        people.elsewhere.pk: people.elsewhere.hours_text,
    }


def test_how_to_get_in_comes_in_the_readers_language_for_all_places_at_once(
    people: Cast, django_assert_num_queries: Any
) -> None:
    other, silent = LocationFactory(clinic=people.clinic), LocationFactory(clinic=people.clinic, access_notes="")
    LocationText.objects.create(
        clinic=people.clinic, location=people.location, language="de", access_notes="Zweiter Stock"
    )
    places: list[Location] = [people.location, other, silent]
    with django_assert_num_queries(1):
        found = offers.access_to(places, clinic=people.clinic, language="de")
    assert [found[place.pk] for place in places] == [
        Words("Zweiter Stock", "de"),
        Words("Second floor, lift", "en"),
        Words("", "en"),
    ]
    with django_assert_num_queries(0):
        offers.access_to(places, clinic=people.clinic, language="en")
        offers.access_to([silent], clinic=people.clinic, language="de")
