"""The clinics' pages: who offers what, and what stands on every page."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bookings.models import ServiceText
from tests.bookings.views.walk import heading
from tests.factories import Cast, ClinicFactory, LocationFactory, OfferFactory, RoomFactory, ServiceFactory, open_week

pytestmark = pytest.mark.django_db


def test_home_lists_every_open_clinic_and_what_it_offers(client: Client, people: Cast) -> None:
    ClinicFactory(name="Closed clinic", active=False)
    page = client.get("/").content.decode()
    assert ("Cabinet du Parc" in page, "Praxis am Ring" in page, "Closed clinic" in page) == (True, True, False)
    assert "Consultation" in page


def test_a_lone_clinic_shows_its_services_at_the_front_door(client: Client, people: Cast) -> None:
    people.elsewhere.active = False
    people.elsewhere.save()
    response = client.get("/")
    assert heading(response) == "Cabinet du Parc"
    assert reverse("bookings:times", args=["parc", "consultation"]) in response.content.decode()


def test_a_hundred_clinics_are_searched_and_paged(client: Client, people: Cast) -> None:
    for number in range(100):
        ClinicFactory(name=f"Practice {number:03}")
    first = client.get("/").content.decode()
    assert 'type="search"' in first
    assert 'rel="next"' in first
    assert len(re.findall('<li class="card">', first)) == 20
    found = client.get("/", {"q": "bellecour consult"}).content.decode()
    assert ("Cabinet du Parc" in found, "Practice 001" in found) == (True, False)
    assert heading(client.get("/", {"q": "zzz"})) == "Book an appointment"
    assert "Nothing found for “zzz”" in client.get("/", {"q": "zzz"}).content.decode()


@pytest.mark.parametrize("kind", ["home", "clinic"])
def test_lists_take_the_same_queries_for_one_row_and_three(
    client: Client, people: Cast, django_assert_num_queries: Any, kind: str
) -> None:
    address = "/" if kind == "home" else reverse("bookings:clinic", args=["parc"])
    queries = 5 if kind == "home" else 8
    client.get(address)
    with django_assert_num_queries(queries):
        client.get(address)
    for number in range(3):
        clinic = ClinicFactory() if kind == "home" else people.clinic
        site = LocationFactory(clinic=clinic)
        offer = OfferFactory(service=ServiceFactory(clinic=clinic, name=f"More {number}"))
        open_week(of=offer.practitioner, at=site)
    with django_assert_num_queries(queries):
        client.get(address)


def test_a_service_is_named_in_the_readers_language_or_marked_with_its_own(client: Client, people: Cast) -> None:
    people.clinic.language = "fr"
    people.clinic.save()
    ServiceText.objects.create(clinic=people.clinic, service=people.service, language="de", name="Sprechstunde")
    address = reverse("bookings:clinic", args=["parc"])
    german = client.get(address, headers={"Accept-Language": "de"}).content.decode()
    dutch = client.get(address, headers={"Accept-Language": "nl"}).content.decode()
    assert "Sprechstunde" in german
    assert '<html lang="de"' in german
    assert '<span lang="fr">Consultation</span>' in dutch
    assert '<html lang="nl"' in dutch


def test_a_service_that_needs_a_kind_of_room_is_offered_only_where_there_is_one(client: Client, people: Cast) -> None:
    other = LocationFactory(clinic=people.clinic, name="Croix-Rousse", slug="croix-rousse")
    open_week(of=people.demir, at=other)
    RoomFactory(location=other, kind="ultrasound")
    people.service.room_kind = "ultrasound"
    people.service.save()
    page = client.get(reverse("bookings:clinic", args=["parc"])).content.decode()
    assert ("Only at" in page, "?location=bellecour" in page) == (False, False)
    times = reverse("bookings:times", args=["parc", "consultation"])
    assert client.get(times, {"location": "bellecour"}).status_code == 404
    assert client.get(times, {"location": "croix-rousse"}).status_code == 200


def test_a_service_nobody_gives_anywhere_or_not_online_is_not_offered(client: Client, people: Cast) -> None:
    ServiceFactory(clinic=people.clinic, name="Nobody gives it")
    by_phone = OfferFactory(service=ServiceFactory(clinic=people.clinic, name="By phone", bookable_online=False))
    open_week(of=by_phone.practitioner, at=people.location)
    page = client.get(reverse("bookings:clinic", args=["parc"])).content.decode()
    assert ("Consultation" in page, "Nobody gives it" in page, "By phone" in page) == (True, False, False)


@pytest.mark.parametrize("name", ["clinic", "imprint", "privacy", "accessibility"])
def test_every_page_of_a_clinic_says_whom_to_call_and_who_answers_for_it(
    client: Client, people: Cast, name: str
) -> None:
    response = client.get(reverse(f"bookings:{name}", args=["parc"]))
    page = response.content.decode()
    assert response.status_code == 200
    assert page.index("<title>") < page.index("<link")
    assert heading(response)
    for needed in (
        "Cabinet du Parc",
        "+33 4 72 00 00 00",
        "Monday to Friday, 8:00 to 18:00",
        "In an emergency call 15.",
        reverse("bookings:imprint", args=["parc"]),
        reverse("bookings:privacy", args=["parc"]),
        reverse("bookings:accessibility", args=["parc"]),
        reverse("bookings:find"),
        'href="#main"',
    ):
        assert needed in page


def test_the_imprint_notice_and_statement_are_the_clinics_own(client: Client, people: Cast) -> None:
    for name, text in {
        "imprint": "Imprint of the clinic",
        "privacy": "What we do with your data.",
        "accessibility": "This site meets WCAG 2.2 AA.",
    }.items():
        assert text in client.get(reverse(f"bookings:{name}", args=["parc"])).content.decode()


def test_the_statement_says_what_is_held_to_and_the_notice_where_rights_are_used(client: Client, people: Cast) -> None:
    statement = client.get(reverse("bookings:accessibility", args=["parc"])).content.decode()
    for said in ("EN 301 549", "WCAG 2.2", "the authority of your country", people.clinic.email):
        assert said in statement
    for clinic in (people.clinic, people.elsewhere):  # one has published a notice, the other has not
        notice = client.get(reverse("bookings:privacy", args=[clinic.slug])).content.decode()
        assert f'href="{reverse("bookings:me")}?clinic={clinic.slug}"' in notice
        assert "the data protection authority where you live" in notice


def test_an_unknown_or_closed_clinic_is_a_404_with_a_way_on(client: Client, people: Cast) -> None:
    people.elsewhere.active = False
    people.elsewhere.save()
    for slug in ("nowhere", "ring"):
        response = client.get(f"/c/{slug}/")
        assert (response.status_code, heading(response)) == (404, "There is nothing here")
        assert reverse("bookings:find") in response.content.decode()


def test_the_accent_of_a_clinic_comes_as_a_style_sheet_of_our_own(client: Client, people: Cast) -> None:
    people.clinic.accent = "#ffd400"
    people.clinic.save()
    page = client.get(reverse("bookings:clinic", args=["parc"])).content.decode()
    assert reverse("bookings:accent", args=["parc"]) in page
    sheet = client.get(reverse("bookings:accent", args=["parc"]))
    assert sheet["Content-Type"] == "text/css"
    assert "--accent:#" in sheet.content.decode()
    assert client.get(reverse("bookings:accent", args=["ring"])).status_code == 404


def test_a_null_byte_in_a_search_is_a_clear_400(client: Client, people: Cast) -> None:
    response = client.get("/", {"q": "a\0b"})
    assert (response.status_code, heading(response)) == (400, "This request cannot be read")


def test_the_language_is_remembered_and_the_page_kept(client: Client, people: Cast) -> None:
    address = reverse("bookings:clinic", args=["parc"])
    response = client.post(reverse("set_language"), {"language": "de", "next": address})
    assert (response.status_code, response["Location"]) == (302, address)
    assert '<html lang="de"' in client.get(address).content.decode()
    assert f'name="next" value="{address}"' in client.get(address).content.decode()
