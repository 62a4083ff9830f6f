"""One form for several visits: proved once, booked whole, for people who are who they say."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings import approval, completing, holds, intake, parties
from bookings.availability import Asking, NotOffered, Rule, SlotTaken, Wish
from bookings.models import Appointment, AppointmentSeries, Draft, Hold, Occupancy, Patient, RelatedPerson
from bookings.series import series_of
from tests.bookings.promises import broken
from tests.bookings.story import DAY, HOUR, NOW, PARIS, TEN, another, book, by_staff, operations_of, wished
from tests.bookings.test_intake import ACTOR, FORM, VISITOR, completed
from tests.factories import Cast, TermsFactory, cast

pytestmark = pytest.mark.django_db(transaction=True)

HALF = timedelta(minutes=30)
SIBLING = {"given_name_2": "Yann", "family_name_2": "Ångström", "birth_date_2": "2015-05-05"}


def drafted(
    people: Cast, *wishes: Wish, persons: Sequence[int] = (), form: dict[str, str] | None = None, **how: Any
) -> Draft:
    """A form filled in for visits that are held; `persons` are the numbers of the people of the later ones."""
    skipping = how.get("skipping", False)
    first, *rest = holds.hold_together(actor=ACTOR, now=NOW, visitor=VISITOR, wishes=wishes, skipping=skipping)
    numbers = [*persons, *([1] * (len(rest) - len(persons)))]
    draft = intake.start(
        actor=ACTOR,
        now=NOW,
        visitor=VISITOR,
        hold=first,
        language="en",
        asking=wishes[0].asking,
        further=list(zip(rest, numbers, strict=True)),
        **how,
    )
    typed = {**FORM, **(form or {})}
    return intake.save(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, form=typed)


def siblings(people: Cast, *, practitioner: Any = "demir", starts: Sequence[datetime] = (TEN, TEN + HALF)) -> Draft:
    who = people.demir if practitioner == "demir" else practitioner
    return drafted(
        people, *(wished(people, start=start, practitioner=who) for start in starts), persons=[2], form=SIBLING
    )


def test_two_siblings_are_booked_with_one_code_each_under_their_own_key() -> None:
    people = cast()
    completed(siblings(people))
    first, second = Appointment.objects.order_by("start")
    assert (first.patient.given_name, second.patient.given_name) == ("Zoë", "Yann")
    assert first.patient.key_id != second.patient.key_id
    assert first.contact_person is None
    assert second.contact_person == RelatedPerson.objects.get(patient=second.patient)
    assert (second.contact_person.email, second.patient.email) == ("zoe@example.org", "")
    assert first.together == second.together
    assert not Hold.objects.exists()
    assert broken(now=NOW) == []
    assert [operations_of(visit) for visit in (first, second)] == [["create"], ["create"]]


def test_completing_again_gives_the_same_visits() -> None:
    people = cast()
    draft = siblings(people)
    first = completed(draft)
    again = completing.complete(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    assert again == first
    assert (Appointment.objects.count(), Patient.objects.exclude(pk=people.ada.pk).count()) == (2, 2)


def test_siblings_at_one_time_keep_whom_each_of_them_holds_whoever_is_named_first() -> None:
    people = cast()
    wishes = [wished(people, practitioner=who) for who in (people.demir, another(people), another(people))]
    third = {name.replace("2", "3"): value for name, value in SIBLING.items()}
    draft = drafted(people, *wishes, persons=[2, 3], form={**SIBLING, **third, "given_name_3": "Max"})
    held = set(Hold.objects.values_list("pk", flat=True))
    turned = intake.rehold(
        actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, wishes=wishes[::-1], persons=[2, 3]
    )
    assert set(Hold.objects.values_list("pk", flat=True)) == held
    completed(turned)
    found = {visit.patient.given_name: visit.practitioner for visit in Appointment.objects.all()}
    assert found == dict(zip(["Max", "Yann", "Zoë"], [wish.practitioner for wish in wishes], strict=True))
    assert not Hold.objects.exists()
    assert broken(now=NOW) == []


def test_when_the_second_is_taken_nothing_is_booked_nobody_registered_and_the_holds_stay() -> None:
    people = cast()
    draft = siblings(people)
    first, second = Hold.objects.order_by("start")
    Occupancy.objects.filter(hold=second).delete()  # expired for somebody whose clock is ahead
    by_staff(people, start=TEN + HALF)
    before = set(Occupancy.objects.values_list("pk", "kind", "hold"))
    with pytest.raises(SlotTaken) as told:
        completed(draft)
    assert told.value.wish.start == TEN + HALF
    assert Appointment.objects.filter(booked_online=True).count() == 0
    assert list(Patient.objects.all()) == [people.ada]
    assert set(Hold.objects.all()) == {first, second}
    assert set(Occupancy.objects.values_list("pk", "kind", "hold")) == before
    assert parties.read(Draft.objects.get())["given_name_2"] == "Yann"


def test_the_form_outlives_its_holds_while_all_times_are_free() -> None:
    people = cast()
    draft = siblings(people)
    later = NOW + holds.HOLD + timedelta(minutes=1)
    holds.sweep(now=later)
    completed(draft, now=later)
    assert Appointment.objects.count() == 2
    assert broken(now=later) == []


def test_other_times_for_all_keep_what_was_typed() -> None:
    people = cast()
    draft = siblings(people)
    moved = intake.rehold(
        actor=ACTOR,
        now=NOW,
        visitor=VISITOR,
        draft_id=draft.pk,
        wishes=[wished(people, start=TEN + 3 * HOUR), wished(people, start=TEN + 4 * HOUR)],
        persons=[2],
    )
    assert Hold.objects.count() == 2
    completed(moved)
    assert [(visit.start, visit.patient.given_name) for visit in Appointment.objects.order_by("start")] == [
        (TEN + 3 * HOUR, "Zoë"),
        (TEN + 4 * HOUR, "Yann"),
    ]


def test_a_form_without_the_siblings_name_is_not_booked() -> None:
    people = cast()
    draft = drafted(people, wished(people), wished(people, start=TEN + HALF), persons=[2])
    with pytest.raises(completing.Incomplete):
        completed(draft)


# --- a series


def test_a_series_is_booked_from_a_form_with_original_starts_and_places() -> None:
    people = cast(most_repeats=5)
    rrule = "FREQ=WEEKLY;COUNT=3"
    by_staff(people, start=TEN + 7 * DAY)
    wishes = series_of(wished(people), rrule=rrule)
    completed(drafted(people, *wishes, rrule=rrule, skipping=True))
    rows = Appointment.objects.filter(series__isnull=False).order_by("start")
    assert [(row.recurrence_id, row.occurrence_index) for row in rows] == [(TEN, 0), (TEN + 14 * DAY, 2)]
    assert AppointmentSeries.objects.get().rrule == rrule
    assert {row.patient.given_name for row in rows} == {"Zoë"}
    assert broken(now=NOW) == []


# --- who they are


def claimed_known(people: Cast, *, start: datetime = TEN, **form: str) -> Draft:
    wish = wished(people, start=start, asking=Asking(standing="known"))
    return drafted(people, wish, form=form)


def test_who_claims_to_be_known_and_is_not_is_refused_where_new_patients_are() -> None:
    people = cast()
    TermsFactory(service=people.service, standing="new", offered=False)
    with pytest.raises(NotOffered) as told:
        completed(claimed_known(people))
    assert told.value.rule == Rule.TERMS
    assert list(Patient.objects.all()) == [people.ada]
    assert not Appointment.objects.exists()


def test_who_claims_to_be_known_and_is_not_gets_no_time_of_another_length() -> None:
    people = cast()
    TermsFactory(service=people.service, standing="new", duration=50)
    with pytest.raises(NotOffered) as told:
        completed(claimed_known(people))
    assert told.value.rule == Rule.TERMS
    assert not Appointment.objects.exists()


def test_who_claims_to_be_known_and_is_may_book() -> None:
    people = cast()
    first = completed(drafted(people, wished(people)))
    TermsFactory(service=people.service, standing="new", offered=False)
    with pytest.raises(NotOffered):
        completed(claimed_known(people, start=TEN + HOUR))  # registered, but never seen
    Appointment.objects.filter(pk=first.pk).update(status="fulfilled")
    assert completed(claimed_known(people, start=TEN + 2 * HOUR)).patient == first.patient


def test_who_was_known_before_the_diary_was_is_known() -> None:
    people = cast()
    first = completed(drafted(people, wished(people)))
    TermsFactory(service=people.service, standing="new", offered=False)
    Patient.objects.filter(pk=first.patient_id).update(known_since=datetime(2020, 1, 1, tzinfo=PARIS).date())
    assert completed(claimed_known(people, start=TEN + HOUR)).patient == first.patient


def test_the_cap_of_a_recognised_patient_binds_the_form() -> None:
    people = cast(cap_open=1)
    completed(drafted(people, wished(people)))
    with pytest.raises(NotOffered) as told:
        completed(drafted(people, wished(people, start=TEN + HOUR)))
    assert told.value.rule == Rule.CAP_OPEN


def test_a_form_asks_where_the_clinic_confirms() -> None:
    people = cast(needs_approval=True)
    visit = completed(drafted(people, wished(people)))
    assert visit.status == "pending"
    assert approval.lapse(now=NOW + timedelta(hours=48)) == 1
    book(people)
