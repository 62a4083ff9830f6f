"""What the account is mostly for: its appointments, those to come first."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from dateutil.relativedelta import relativedelta
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from bookings import links, lookup, offers, patient_accounts, reach
from bookings.models import TAKES_TIME, Appointment, AppointmentStatus, PatientAccount
from bookings.offers import Offer
from bookings.views import lookups
from bookings.views.account.holding import Holder, account_page

#: How long ago an appointment may be to be listed.
BACK: Final = relativedelta(months=24)
_SHOWN: Final = (*TAKES_TIME, AppointmentStatus.NOSHOW, AppointmentStatus.CANCELLED)


def overview(request: HttpRequest, *, account: PatientAccount) -> HttpResponse:
    """Coming appointments, each a way to its page; then past ones, each a way to book the same again."""
    now, language = timezone.now(), lookups.language()
    proven = patient_accounts.proven(account)
    holder = Holder(account=account, reached=reach.reached(proven=proven, now=now), now=now)
    found = lookup.reached_by(proven=proven, now=now, since=now - BACK, statuses=_SHOWN)
    prefetch_related_objects(found, "service__texts")
    # Whoever reaches one record, their own, need not be told whose the visits are.
    named = [one.patient for one in holder.reached] != holder.own or len(holder.own) > 1
    tokens = links.tokens(found)
    offered = {
        offer.service.pk: offer
        for offer in offers.clinic_offers(clinic=account.clinic, language=language, today=now.date())
    }

    def row(appointment: Appointment) -> dict[str, Any]:
        return {
            "appointment": appointment,
            "service_name": offers.name_of(appointment.service, clinic=account.clinic, language=language),
            "whose": appointment.patient.full_name if named else "",
            "token": tokens[appointment.pk],
            "again": _again(appointment, offered=offered),
        }

    return account_page(
        request,
        "me/appointments.html",
        holder=holder,
        current="appointments",
        coming=[row(one) for one in _coming(found, now=now)],
        past=[row(one) for one in reversed(found) if one.end <= now],
    )


def _coming(found: Iterable[Appointment], *, now: Any) -> list[Appointment]:
    return [one for one in found if one.end > now and one.status in TAKES_TIME]


def _again(appointment: Appointment, *, offered: Mapping[int, Offer]) -> str:
    """The times of the same service, with the same person at the same place where those are still offered."""
    offer = offered.get(appointment.service_id)
    if offer is None or not offer.locations:
        return ""
    kept = {}
    if offer.location(appointment.location.slug) is not None:
        kept["location"] = appointment.location.slug
    if offer.practitioner(str(appointment.practitioner_id)) is not None:
        kept["practitioner"] = str(appointment.practitioner_id)
    times = reverse("bookings:times", args=[appointment.clinic.slug, offer.service.slug])
    return f"{times}?{urlencode(kept)}" if kept else times
