"""A clinic's logo: light, of a kind browsers draw, and in a box that is known before it arrives."""

from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from bookings.models import Role
from bookings.models.places import MOST_LOGO
from tests.bookings.entering import enter, someone
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def image(kind: str = "PNG", *, size: tuple[int, int] = (80, 20)) -> bytes:
    written = BytesIO()
    Image.new("RGB", size, "teal").save(written, kind)
    return written.getvalue()


def test_the_logo_stands_in_the_head_with_its_size(people: Cast) -> None:
    people.clinic.logo_width, people.clinic.logo_height = 80, 20
    people.clinic.logo.save("logo.png", ContentFile(image()))
    page = Client().get("/c/parc/").content.decode()
    assert '<img class="logo" src="/c/parc/logo/?' in page
    assert 'alt="" width="160" height="40">' in page
    served = Client().get("/c/parc/logo/")
    assert (served["Content-Type"], b"".join(served)) == ("image/png", image())


def test_a_clinic_without_one_has_our_mark_and_no_image(people: Cast) -> None:
    assert '<svg class="mark"' in Client().get("/c/parc/").content.decode()
    assert Client().get("/c/parc/logo/").status_code == 404


def test_a_file_store_that_is_away_costs_the_logo_and_not_the_page(people: Cast) -> None:
    people.clinic.logo.save("logo.png", ContentFile(image()))
    people.clinic.logo.storage.delete(str(people.clinic.logo.name))
    assert Client().get("/c/parc/logo/").status_code == 404
    assert Client().get("/c/parc/").status_code == 200


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (image() + bytes(MOST_LOGO), "This image is larger than 20 kB."),
        (image("GIF"), "Use a PNG, JPEG or WebP image."),
    ],
)
def test_what_is_heavy_or_of_another_kind_is_refused(people: Cast, content: bytes, why: str) -> None:
    people.clinic.logo = SimpleUploadedFile("logo.png", content)
    with pytest.raises(ValidationError) as refused:
        people.clinic.full_clean()
    assert refused.value.message_dict["logo"] == [why]


def test_a_manager_who_uploads_one_has_it_measured(people: Cast) -> None:
    manager = enter(someone(clinic=people.clinic, role=Role.MANAGER))
    address = f"/admin/bookings/clinic/{people.clinic.pk}/change/"
    form = manager.get(address).context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields if name != "logo"} | {"active": "on"}
    sent |= {"embed_sites": "https://www.cabinet.example", "texts-TOTAL_FORMS": "0", "texts-INITIAL_FORMS": "0"}
    answer = manager.post(address, {**sent, "logo": SimpleUploadedFile("l.png", image())})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    people.clinic.refresh_from_db()
    assert (people.clinic.logo_width, people.clinic.logo_shown) == (80, 160)
    assert people.clinic.embed_sites == ["https://www.cabinet.example"]
    page = manager.get(address).content.decode()
    assert "/c/parc/embed/&quot; title=&quot;Cabinet du Parc&quot;" in page
