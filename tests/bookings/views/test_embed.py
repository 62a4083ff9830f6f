"""The booking in another site's frame: no cookie needed, framed by declared sites only, and out of it by one press."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from bookings.forms import slots
from bookings.models import Draft
from tests.bookings.views.walk import NINE, Walk, heading
from tests.factories import ServiceFactory

pytestmark = pytest.mark.django_db

SITE = "https://www.cabinet.example"


@pytest.fixture
def frame(walk: Walk) -> str:
    """The address of the times in a frame of the clinic's site."""
    walk.people.clinic.embed_sites = [SITE]
    walk.people.clinic.save()
    return reverse("bookings:embed-times", args=[walk.people.clinic.slug, "en", walk.people.service.slug])


def ancestors(response: object) -> str:
    found = re.search(r"frame-ancestors ([^;]*)", response["Content-Security-Policy"])  # type: ignore[index]
    assert found is not None
    return found[1]


def test_declared_sites_and_no_other_may_frame_the_times(walk: Walk, frame: str) -> None:
    response = walk.client.get(frame)
    assert (ancestors(response), response.has_header("X-Frame-Options")) == (SITE, False)
    for page in (walk.times, reverse("bookings:home"), reverse("bookings:clinic", args=[walk.people.clinic.slug])):
        answer = walk.client.get(page)
        assert (ancestors(answer), answer["X-Frame-Options"]) == ("'none'", "DENY")


def test_a_clinic_without_sites_is_framed_by_nobody(walk: Walk) -> None:
    response = walk.client.get(reverse("bookings:embed", args=[walk.people.clinic.slug, "fr"]))
    assert (ancestors(response), response["X-Frame-Options"]) == ("'none'", "DENY")


def test_the_frame_needs_no_cookie_no_script_and_no_token(walk: Walk, frame: str) -> None:
    for address in (frame, reverse("bookings:embed", args=[walk.people.clinic.slug, "en"])):
        response = Client().get(address)
        page = response.content.decode()
        assert (dict(response.cookies), "<script" in page, "csrf" in page, 'method="post"' in page) == (
            {},
            False,
            False,
            False,
        )


def test_a_time_pressed_in_the_frame_stands_first_on_our_own_page_and_one_press_takes_it(
    walk: Walk, frame: str
) -> None:
    page = walk.client.get(frame).content.decode()
    assert re.search(rf'<form class="times" method="get" action="{walk.times}" target="_top">', page)
    slot = slots.value(start=NINE, location=walk.people.location.slug)
    assert f'value="{slot}"' in page
    landed = walk.client.get(walk.times, {"slot": slot, "lang": "de"})
    assert (landed["Content-Language"], landed.cookies["django_language"].value) == ("de", "de")
    text = landed.content.decode()
    assert text.index("Bellecour") < text.index('<div class="two">')
    assert Draft.objects.count() == 0
    taken = re.search(r'<form class="next picked".*?</form>', text, re.DOTALL)
    assert taken is not None
    assert f'value="{slot}"' in taken[0]
    assert walk.client.post(walk.hold_address, {"slot": slot}).status_code == 302


def test_a_time_that_names_nothing_is_ignored_and_one_that_is_none_refused(walk: Walk) -> None:
    assert (
        'class="next picked"'
        not in walk.client.get(walk.times, {"slot": "2026-11-30T08:00Z~nowhere~"}).content.decode()
    )
    assert walk.client.get(walk.times, {"slot": "soon"}).status_code == 400


def test_filters_and_weeks_stay_in_the_frame_and_in_its_language(walk: Walk, frame: str) -> None:
    page = walk.client.get(frame.replace("/en/", "/de/"), {"part": "morning"}).content.decode()
    assert '<html lang="de"' in page
    links = re.findall(r'href="([^"]*)"', re.split(r"<footer", page)[0])
    inside = [link for link in links if link.startswith(("?", "/c/")) and "accent" not in link]
    assert inside
    assert all(link.startswith("?") or "/embed/de/" in link for link in inside)


def test_a_language_we_do_not_speak_and_a_clinic_that_is_not_there_are_not_found(walk: Walk) -> None:
    for address in ("/c/parc/embed/xx/", "/c/nobody/embed/de/", "/c/parc/embed/de/nothing/"):
        assert Client().get(address).status_code == 404


def test_the_bare_frame_leads_to_the_readers_language(walk: Walk) -> None:
    answer = Client(headers={"Accept-Language": "it"}).get("/c/parc/embed/")
    assert answer["Location"] == "/c/parc/embed/it/"


def test_a_link_may_name_a_place_and_a_person_and_falls_back_to_everything(walk: Walk) -> None:
    people = walk.people
    ServiceFactory(clinic=people.clinic, name="Elsewhere", slug="elsewhere")
    clinic = reverse("bookings:clinic", args=[people.clinic.slug])
    page = Client().get(clinic, {"practitioner": str(people.demir.pk), "location": "bellecour"}).content.decode()
    assert f"{walk.times}?location=bellecour&amp;practitioner={people.demir.pk}" in page
    gone = Client().get(clinic, {"practitioner": "999999"}).content.decode()
    assert f'href="{walk.times}"' in gone


def test_the_week_side_by_side_offers_the_same_times_as_the_list(walk: Walk) -> None:
    def offered(page: str) -> list[str]:
        return re.findall(r'name="slot" value="([^"]*)"', page.partition('class="weeks"')[2])

    listed = walk.client.get(walk.times)
    grid = walk.client.get(walk.times, {"view": "week"})
    assert heading(grid) == heading(listed) == "Consultation"
    assert offered(grid.content.decode()) == offered(listed.content.decode()) != []
    assert grid.content.decode().count('<section aria-labelledby="g') == 7
    assert "no time" in grid.content.decode()
    assert "view=week" in re.findall(r'rel="next" href="([^"]*)"', grid.content.decode())[0]
