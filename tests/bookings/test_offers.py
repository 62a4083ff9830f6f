"""What clinics offer, worded for the reader."""

from datetime import date

import pytest

from bookings import offers
from bookings.models import ServiceText
from tests.factories import Cast, NoticeFactory, cast, open_week

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
