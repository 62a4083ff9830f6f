"""The admin of bookings: where staff work. One module per noun; importing them registers their pages."""

from typing import Any, cast

from django.contrib import admin

from bookings.admin import (
    appointments,
    closures,
    data_requests,
    duplicates,
    notices,
    patients,
    people,
    places,
    services,
    sessions,
)
from bookings.admin.desk import DaySheet
from bookings.admin.setup import SetupCheck

__all__ = [
    "appointments",
    "closures",
    "data_requests",
    "duplicates",
    "notices",
    "patients",
    "people",
    "places",
    "services",
    "sessions",
]

cast(Any, admin.site).add_pages(lambda site: DaySheet(site).urls())  # the house's site takes pages beside models
cast(Any, admin.site).add_pages(lambda site: SetupCheck(site).urls())
