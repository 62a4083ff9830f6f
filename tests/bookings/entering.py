"""Staff at the door of the admin, as tests need them there."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Fact
from bookings.accounts import FACTOR_KEY
from bookings.models import Appointment, Clinic, Role, User
from tests.factories import AppointmentFactory, Cast, MembershipFactory, PatientFactory, UserFactory


def enter(user: User) -> Client:
    """A browser in which `user` is signed in and has shown a second factor."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[FACTOR_KEY] = str(user.pk)
    session.save()
    return client


def someone(*, clinic: Clinic, role: str, name: str = "mara", **fields: Any) -> User:
    """A member of staff of one clinic."""
    user = UserFactory(username=name, first_name=name.title(), last_name="Keller", **fields)
    MembershipFactory(user=user, clinic=clinic, role=role)
    return user


def operator() -> User:
    """Whoever runs the installation: a superuser without a membership."""
    return UserFactory(username="operator", first_name="", last_name="", is_superuser=True)


def visit(story: Cast, **fields: Any) -> Appointment:
    """An appointment in the story's clinic, of a patient of its own."""
    given = {"patient": story.ada} if "patient" not in fields else {}
    return AppointmentFactory(
        clinic=story.clinic,
        location=story.location,
        service=story.service,
        practitioner=story.demir,
        **given,
        **fields,
    )


def another_patient(story: Cast, name: str) -> Any:
    """One more patient of the story's clinic."""
    return PatientFactory(clinic=story.clinic, family_name=name, given_name="", email="", birth_date="")


def url(thing: Any, page: str = "change") -> str:
    """The admin address of a thing's page."""
    return reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_{page}", args=[thing.pk])


def said(response: Any) -> list[str]:
    """The messages of the page a redirect led to."""
    return [str(message) for message in response.context["messages"]]


def reads() -> list[dict[str, Any]]:
    """What was recorded as read since the facts were last taken away, oldest first: chain, view and patients."""
    notes = Fact.objects.filter(source="a").order_by("id")
    return [{"chain": fact.chain, **fact.new["data"]} for fact in notes if fact.new and fact.new["name"] == "read"]


@contextmanager
def counted() -> Iterator[CaptureQueriesContext]:
    """Count queries."""
    with CaptureQueriesContext(connection) as queries:
        yield queries


def work_of(act: Callable[[], object]) -> list[list[str]]:
    """The tables each query of an act reads and writes, in order."""
    with counted() as queries:
        act()
    return [re.findall(r'(?:FROM|JOIN|INTO|UPDATE) "\w+"', query["sql"]) for query in queries]


def settled_count(client: Client, address: str) -> int:
    """How many queries a page takes once everybody on it was recorded as read."""
    assert client.get(address).status_code == 200
    with counted() as queries:
        client.get(address)
    return len(queries)


ROLE_NAMES = [role.value for role in Role]
