"""The last step of booking by phone: what goes with the visits, how they repeat, and the one call that books them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from audit.context import Actor
from bookings import booking, moments, recurrence, registration, series
from bookings.admin.freetimes import Picked
from bookings.admin.shown import short
from bookings.admin.steps import OVERBOOK_REASONS
from bookings.admin.wishes import WishForm
from bookings.availability import Asking, NotOffered, SlotTaken, Wish, choose
from bookings.booking import Leg, Made, Told
from bookings.forms.text import LongTextField
from bookings.models import HealthcareService, Patient, Standing, VisitKind
from bookings.patients import is_known
from bookings.refusals import Refusal
from bookings.roles import Access

OVERBOOK: Final = "bookings.overbook_appointment"


class LastForm(forms.Form):
    """What goes with the appointment itself."""

    language = forms.ChoiceField(label=_("Language of our messages"), choices=settings.LANGUAGES)
    reason = LongTextField(
        label=_("Reason for the visit (optional)"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    visit_address = LongTextField(
        label=_("address of the visit"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, kind: str, new: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if new:  # asked with the person
            del self.fields["language"]
        if kind != VisitKind.HOME:
            del self.fields["visit_address"]


class RepeatForm(forms.Form):
    """A series: every so often, so many times. One visit when the number is left out."""

    times = forms.IntegerField(label=_("number of visits"), required=False, min_value=1, max_value=recurrence.MOST)
    every = forms.IntegerField(label=_("one every"), required=False, initial=1, min_value=1, max_value=recurrence.MOST)
    unit = forms.ChoiceField(
        label=_("days, weeks or months"),
        required=False,
        initial="WEEKLY",
        choices=[("DAILY", _("days")), ("WEEKLY", _("weeks")), ("MONTHLY", _("months"))],
    )
    conflicts = forms.ChoiceField(
        label=_("When a time is taken"),
        required=False,
        choices=[("none", _("book all or none")), ("skip", _("leave out what is taken"))],
    )

    @property
    def rrule(self) -> str:
        """The RFC 5545 rule; empty for one visit. Call after `is_valid`."""
        said = self.cleaned_data
        times = said.get("times") or 1
        if times == 1:
            return ""
        return recurrence.rule(frequency=said["unit"] or "WEEKLY", interval=said["every"] or 1, count=times)

    @property
    def asked(self) -> bool:
        """Whether more than one visit was asked for, or what was asked cannot be read."""
        return self.is_bound and (not self.is_valid() or bool(self.rrule))

    @property
    def skipping(self) -> bool:
        """Whether what is taken is left out."""
        return bool(self.cleaned_data.get("conflicts") == "skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One command of the desk: these visits, or this one repeated, for somebody known (`patient`) or new (`person`)."""

    wishes: list[Wish]
    patient: Patient | None
    person: Mapping[str, Any] | None
    told: Told
    rrule: str = ""
    skipping: bool = False

    def book(self, *, actor: Actor, now: datetime, key: UUID) -> Made:
        """Book. Raises what the use cases raise."""
        command: dict[str, Any] = {"actor": actor, "now": now, "key": key, "told": self.told}
        wishes = self.wishes
        if self.told.overbook_reason:
            wishes = [replace(wish, overbook=True) for wish in wishes]
        repeated: dict[str, Any] = {"wish": wishes[0], "rrule": self.rrule, "skipping": self.skipping}
        if self.patient is None:
            command["person"] = self.person
            if self.rrule:
                return registration.admit_and_book_series(**command, **repeated)
            return registration.admit_and_book(**command, wishes=wishes)
        if self.rrule:
            return series.book_series(**command, patient=self.patient, **repeated)
        return booking.book_together(**command, legs=[Leg(wish=wish, patient=self.patient) for wish in wishes])


def standing_of(patient: Patient) -> str:
    """Whether the clinic has seen the patient: a word of Standing."""
    return Standing.KNOWN.value if is_known(patient) else Standing.NEW.value


def asking_of(form: WishForm, *, new: bool) -> Asking:
    """What was said; somebody whom the clinic did not know until now is new unless something else was said."""
    asking = form.asking
    return replace(asking, standing=Standing.NEW.value) if new and not asking.standing else asking


def wishes_of(form: WishForm, picked: Picked, *, asking: Asking) -> list[Wish]:
    """The visits of a time that was chosen, as staff wish for them."""
    service = form.chosen_service
    assert service is not None
    first = Wish(
        service=service,
        location=picked.place,
        practitioner=form.cleaned_data.get("practitioner") or picked.by,
        start=picked.start,
        online=False,
        asking=asking,
    )
    then = form.cleaned_data.get("then")
    if then is None or picked.next is None:
        return [first]
    return [first, replace(first, service=then, practitioner=picked.next_by, start=picked.next)]


def refusal_of(wishes: list[Wish], *, now: datetime) -> Refusal | None:
    """What stands between these visits and a booking at this moment."""
    for wish in wishes:
        try:
            choose(wish=wish, now=now)
        except (NotOffered, SlotTaken) as refusal:
            return refusal
    return None


def may_squeeze(refusal: Refusal | None, *, service: HealthcareService, access: Access) -> bool:
    """Whether the person may squeeze a visit in where this refusal says that somebody else was first."""
    taken = isinstance(refusal, SlotTaken)
    return taken and service.overbook_cap > 0 and access.may(OVERBOOK, clinic_id=service.clinic_id)


def overbook_reason(posted: Mapping[str, str], *, service: HealthcareService, access: Access) -> str | None:
    """The reason posted with “Squeeze in”; empty when that was not pressed or may not be, None when no reason of the
    list was given."""
    if not posted.get("squeeze") or not access.may(OVERBOOK, clinic_id=service.clinic_id):
        return ""
    reason = posted.get("overbook_reason", "")
    return reason if reason in OVERBOOK_REASONS else None


def said_of(made: Made) -> list[str]:
    """What was booked, in sentences that name the patient by code only: messages are kept in the session."""
    rows = made.appointments
    code = rows[0].patient.code
    if {row.series_id for row in rows} - {None}:
        start = moments.moment(rows[0].start, zone=rows[0].location.tz)
        said = ngettext(
            "%(count)d visit booked, on %(moment)s · %(code)s.",
            "%(count)d visits booked, the first on %(moment)s · %(code)s.",
            len(rows),
        )
        return [said % {"count": len(rows), "moment": start, "code": code}]
    return [
        _("Booked: %(moment)s · %(code)s.") % {"moment": moments.moment(row.start, zone=row.location.tz), "code": code}
        for row in rows
    ]


def left_out_of(made: Made) -> str:
    """The times of a series that were not to be had; empty when all were."""
    starts = "; ".join(short(leg.wish.start, zone=leg.wish.location.tz) for leg in made.left_out)
    return _("Left out, because the time is taken or not offered: %(times)s.") % {"times": starts} if starts else ""
