"""Narrowing a list of appointments to when they are."""

from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.desk import OPEN, REMINDED, local_today, midnight, on_day, zones_of
from bookings.models import Appointment
from bookings.roles import access_of


class WhenFilter(admin.SimpleListFilter):
    """What is to come, unless something else is asked for."""

    title = _("when")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("today", _("today")),
            ("week", _("next seven days")),
            ("undecided", _("over, without an outcome")),
            ("past", _("past")),
            ("all", _("all")),
        ]

    def choices(self, changelist: Any) -> Any:
        chosen = self.value()
        for value, title in [(None, _("from today on")), *self.lookup_choices]:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": chosen == value, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> QuerySet[Appointment]:
        now = timezone.now()
        match self.value():
            case "all":
                return queryset
            case "week":
                return queryset.filter(start__gte=now, start__lt=now + timedelta(days=7))
            case "undecided":
                return queryset.filter(status__in=OPEN, end__lte=now, end__gt=now - REMINDED)
            case "past":
                return queryset.filter(end__lte=now)
        clinics = access_of(request.user).clinics("bookings.view_appointment")
        days = [(local_today(now=now, zones=zones), zones) for zones in zones_of(clinic_ids=clinics).values()]
        if self.value() == "today":
            return queryset.filter(reduce(or_, (on_day(day=day, zones=zones) for day, zones in days), Q(pk__in=())))
        begins = [midnight(day, zone) for day, zones in days for zone in zones.values()]
        return queryset.filter(start__gte=min(begins, default=now))
