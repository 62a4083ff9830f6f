"""`python -m tests.bench.peers.django_appointment.measure fill|ask|ask-related`, in django-appointment's environment.

`fill` reads `{"staff": 10, "appointments": [[person, "2026-12-07", quarter], ...]}` and makes them. `ask` and
`ask-related` read `{"dates": ["2026-12-07", ...], "runs": 2}`, ask for each date and person as its own pages do, and
answer `{"version", "django", "seconds": [...], "queries": n, "slots": [[person, "2026-12-07T08:00"], ...]}`;
`ask-related` puts the `select_related` in place that it lacks.
"""

import datetime
import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module, metadata
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, transaction

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.peers.django_appointment.settings"
django.setup()
models: Any = import_module("appointment.models")
services: Any = import_module("appointment.services")
users: Any = import_module("django.contrib.auth.models")

OPENS, CLOSES = datetime.time(8), datetime.time(18)
QUARTER = datetime.timedelta(minutes=15)
BATCH = 5000


def fill(asked: dict[str, Any]) -> dict[str, Any]:
    """Tables, one service of a quarter of an hour, the staff with their hours, and the appointments."""
    call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)
    with transaction.atomic():
        models.Config.objects.create(
            slot_duration=15, lead_time=OPENS, finish_time=CLOSES, appointment_buffer_time=0, slot_gap_time=0
        )
        service = models.Service.objects.create(name="Visit", duration=QUARTER, price=0)
        staff = [_member(number, service) for number in range(asked["staff"])]
        requests = models.AppointmentRequest.objects.bulk_create(
            (_request(staff[person], service, day, quarter) for person, day, quarter in asked["appointments"]),
            batch_size=BATCH,
        )
        models.Appointment.objects.bulk_create(
            (models.Appointment(appointment_request=request) for request in requests), batch_size=BATCH
        )
    return {"appointments": models.Appointment.objects.count()}


def _member(number: int, service: Any) -> Any:
    user = users.User.objects.create(username=f"staff{number:03}", first_name=f"Staff {number:03}")
    member = models.StaffMember.objects.create(user=user, slot_duration=15, appointment_buffer_time=0, slot_gap_time=0)
    member.services_offered.add(service)
    for weekday in range(1, 6):  # Sunday is 0
        models.WorkingHours.objects.create(staff_member=member, day_of_week=weekday, start_time=OPENS, end_time=CLOSES)
    return member


def _request(member: Any, service: Any, day: str, quarter: int) -> Any:
    start = datetime.datetime.combine(datetime.date.fromisoformat(day), OPENS) + quarter * QUARTER
    return models.AppointmentRequest(
        date=start.date(),
        start_time=start.time(),
        end_time=(start + QUARTER).time(),
        service=service,
        staff_member=member,
    )


def ask(asked: dict[str, Any]) -> dict[str, Any]:
    """Every free start of every member of staff, day by day."""
    staff = list(models.StaffMember.objects.select_related("user").order_by("user__username"))
    service = models.Service.objects.get()
    dates = [datetime.date.fromisoformat(day) for day in asked["dates"]]
    queries = 0
    seconds = []
    slots: list[tuple[int, str]] = []

    def counted(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*arguments)

    services.get_available_slots_for_staff(dates[0], staff[0], dates[0].isoweekday() % 7, service=service)
    with connection.execute_wrapper(counted):
        for _ in range(asked["runs"]):
            queries, slots, began = 0, [], time.perf_counter()
            for number, member in enumerate(staff):
                for day in dates:
                    found = services.get_available_slots_for_staff(day, member, day.isoweekday() % 7, service=service)
                    slots += [(number, slot.isoformat(timespec="minutes")) for slot in found]
            seconds.append(time.perf_counter() - began)
    return {
        "version": metadata.version("django-appointment"),
        "django": django.get_version(),
        "seconds": seconds,
        "queries": queries,
        "slots": slots,
    }


def ask_related(asked: dict[str, Any]) -> dict[str, Any]:
    """The same once each appointment comes with the request that holds its times, in one query."""
    plain = services.get_appointments_for_date_and_time

    def related(*arguments: Any) -> Any:
        return plain(*arguments).select_related("appointment_request")

    services.get_appointments_for_date_and_time = related
    return ask(asked)


if __name__ == "__main__":
    does = {"fill": fill, "ask": ask, "ask-related": ask_related}[sys.argv[1]]
    print(json.dumps(does(json.load(sys.stdin))))  # the last line: its logger writes there too
