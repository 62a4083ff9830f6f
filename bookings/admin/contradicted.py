"""Contradictions told as they are made: what a save of the set-up brings about, and what would happen to whom."""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from django.contrib import messages
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bookings.admin.confined import ConfinedAdmin
from bookings.admin.forms import clinic_id_of
from bookings.admin.shown import short
from bookings.contradictions import Contradiction, Visit, contradictions, told
from bookings.models import Appointment, GroupSession
from bookings.roles import access_of

M = TypeVar("M", bound=models.Model)
MOST_TOLD: Final = 50
_STOOD: Final = "_contradictions_before"


class Contradicted(ConfinedAdmin[M]):
    """A page of the set-up. Saving it compares the clinic's contradictions before and after, parts of the form
    included, and warns of each new one. Nothing is refused: a manager may have a reason, and sets things up one by one.
    """

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        clinic_id = clinic_id_of(obj)
        assert clinic_id is not None
        request.__dict__[_STOOD] = contradictions(clinic_id=clinic_id, now=timezone.now())
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        clinic_id = clinic_id_of(form.instance)
        assert clinic_id is not None
        stood: frozenset[Contradiction] = request.__dict__.pop(_STOOD)
        warn(request, clinic_id=clinic_id, found=contradictions(clinic_id=clinic_id, now=timezone.now()) - stood)


def warn(request: HttpRequest, *, clinic_id: int, found: Iterable[Contradiction]) -> None:
    """Say each contradiction as a warning, with the first `MOST_TOLD` of the visits concerned in all."""
    left = MOST_TOLD
    for one in told(found):
        listed = visits_listed(request, clinic_id=clinic_id, visits=one.visits, most=left)
        messages.warning(request, format_html("{}{}", one.sentence, listed))
        left = max(0, left - len(one.visits))


def visits_listed(
    request: HttpRequest, *, clinic_id: int, visits: Iterable[Visit], most: int = MOST_TOLD
) -> SafeString | str:
    """A list of visits with links: when, whose (by code) and with whom; empty for who may not see appointments."""
    if not access_of(request.user).may("bookings.view_appointment", clinic_id=clinic_id):
        return ""
    visits = list(visits)
    ids: dict[str, list[Any]] = {"appointment": [], "groupsession": []}
    for visit in visits[:most]:
        ids[visit.model].append(visit.id)
    rows: list[Appointment | GroupSession] = []
    if ids["appointment"]:
        rows += Appointment.objects.filter(pk__in=ids["appointment"]).select_related(
            "patient", "practitioner", "location"
        )
    if ids["groupsession"]:
        rows += GroupSession.objects.filter(pk__in=ids["groupsession"]).select_related(
            "service", "practitioner", "location"
        )
    return listed(rows, more=len(visits) > most)


def listed(rows: Iterable[Appointment | GroupSession], *, more: bool) -> SafeString | str:
    """Appointments by their patient's code, and sessions by their service, as a list with links, earliest first."""
    lines = format_html_join(
        "",
        '<li><a href="{}">{} · {}</a> · {}</li>',
        (
            (
                reverse(f"admin:bookings_{row._meta.model_name}_change", args=[row.pk]),
                short(row.start, zone=row.location.tz),
                row.patient.code if isinstance(row, Appointment) else row.service,
                row.practitioner,
            )
            for row in sorted(rows, key=lambda row: (row.start, str(row.pk)))
        ),
    )
    rest = _("and more: look at the list of appointments.") if more else ""
    return format_html("{}{}", format_html('<ul class="visits">{}</ul>', lines) if lines else "", rest)
