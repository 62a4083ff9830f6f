"""The admin of bookings: where staff work. One module per noun; importing them registers their pages."""

from typing import Any, cast

from django.contrib import admin

from bookings.admin import appointments, closures, notices, patients, people, places, services
from bookings.admin.desk import DaySheet

__all__ = ["appointments", "closures", "notices", "patients", "people", "places", "services"]

cast(Any, admin.site).add_pages(lambda site: DaySheet(site).urls())  # the house's site takes pages beside models
