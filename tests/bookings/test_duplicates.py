"""Registration notices two records that may be of one patient, and takes nobody for anybody."""

import pytest
import time_machine
from django.test import Client

from audit.context import Actor
from audit.keys import keyring
from bookings import duplicates, patients
from bookings.models import Notice, Patient, PossibleDuplicate
from bookings.registration import admit
from tests.bookings.views.walk import NINE, NOW, Walk
from tests.factories import MONDAY, Cast, NoticeFactory, PatientFactory, cast

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")


@pytest.fixture
def story() -> Cast:
    everyone = cast()
    patients.reindex(everyone.ada)
    return everyone


def newcomer(story: Cast, **changed: str) -> Patient:
    given = {"given_name": "Ada", "family_name": "Lovelace", "birth_date": "1985-12-10", "language": "en"}
    return admit(actor=ACTOR, now=MONDAY, clinic=story.clinic, **{**given, **changed})


def pairs() -> list[tuple[int, int]]:
    return list(PossibleDuplicate.objects.order_by("pk").values_list("patient", "other"))


def test_the_same_name_and_birth_date_make_a_task_and_a_notice(story: Cast) -> None:
    again = newcomer(story, given_name="ADA ", family_name="lovelace", email="other@example.org")
    assert pairs() == [(again.pk, story.ada.pk)]
    notice = Notice.objects.get()
    assert (notice.kind, notice.clinic_id, notice.resolved_at) == ("perhaps-same", story.clinic.pk, None)


@pytest.mark.parametrize(
    "changed", [{"birth_date": ""}, {"birth_date": "1985-12-11"}, {"family_name": "Lovelacy"}, {"given_name": ""}]
)
def test_anything_less_is_no_task(story: Cast, changed: dict[str, str]) -> None:
    newcomer(story, **changed)
    assert pairs() == []


def test_two_without_a_birth_date_are_no_task(story: Cast) -> None:
    newcomer(story, birth_date="")
    newcomer(story, birth_date="")
    assert pairs() == []


@pytest.mark.parametrize("state", [{"erased_at": MONDAY}, {"merged_into": True}])
def test_who_is_erased_or_joined_is_no_task(story: Cast, state: dict[str, object]) -> None:
    if "merged_into" in state:
        state = {"merged_into": PatientFactory(clinic=story.clinic, family_name="Other")}
    Patient.objects.filter(pk=story.ada.pk).update(**state)
    newcomer(story)
    assert pairs() == []


def test_whose_erasure_died_half_way_is_no_task_and_stops_no_registration(story: Cast) -> None:
    keyring.destroy_subject_keys(key_ids=[story.ada.key_id])
    newcomer(story)
    assert pairs() == []


def test_the_same_person_at_another_clinic_is_no_task(story: Cast) -> None:
    abroad: Patient = PatientFactory(clinic=story.elsewhere)
    patients.reindex(abroad)
    newcomer(story)
    assert [other for _new, other in pairs()] == [story.ada.pk]


def test_nobody_alike_costs_one_look_into_the_index(story: Cast, django_assert_num_queries) -> None:
    sofia = newcomer(story, family_name="Kovalevskaya", given_name="Sofia")
    with django_assert_num_queries(2):  # the clinic's key, and the look
        assert duplicates.suspect(patient=sofia) == []
    sofia.birth_date = ""
    with django_assert_num_queries(0):
        assert duplicates.suspect(patient=sofia) == []


def test_two_patients_stay_two_and_the_notice_is_closed_with_the_last_task(story: Cast) -> None:
    first, second = newcomer(story), newcomer(story)
    assert pairs() == [(first.pk, story.ada.pk), (second.pk, story.ada.pk), (second.pk, first.pk)]
    for task in PossibleDuplicate.objects.order_by("pk"):
        assert Notice.objects.get().resolved_at is None
        duplicates.tell_apart(actor=ACTOR, now=MONDAY, duplicate_id=task.pk)
    assert Notice.objects.get().resolved_at == MONDAY
    assert set(PossibleDuplicate.objects.values_list("state", "settled_at")) == {("different", MONDAY)}
    with pytest.raises(duplicates.AlreadySettled):
        duplicates.tell_apart(actor=ACTOR, now=MONDAY, duplicate_id=task.pk)


@time_machine.travel(NOW, tick=False)
def test_who_books_online_with_another_address_is_told_nothing_and_the_desk_is(story: Cast, client: Client) -> None:
    NoticeFactory(clinic=story.clinic)
    walk = Walk(client, story)
    appointment = walk.booked(
        NINE,
        given_name="Ada",
        family_name="Lovelace",
        birth_day="10",
        birth_month="12",
        birth_year="1985",
        email="new@example.org",
    )
    assert appointment.patient != story.ada
    assert pairs() == [(appointment.patient_id, story.ada.pk)]


def test_who_proves_the_address_on_record_is_recognised_and_makes_no_task(story: Cast) -> None:
    known = patients.recognise(
        clinic=story.clinic,
        given_name="Ada",
        family_name="Lovelace",
        birth_date="1985-12-10",
        proven_email="ada@example.org",
        now=MONDAY,
    )
    assert (known, pairs()) == (story.ada, [])
