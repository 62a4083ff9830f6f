"""Moving an appointment, and offering another time for a request: free times, one choice, one press."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, cast
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from audit.context import Actor
from audit.sealed import KeyDestroyed
from bookings import approval, moments, moving, series
from bookings.admin.freetimes import (
    CHOSEN,
    SHOWN,
    AnotherTimeForm,
    Picked,
    Search,
    days_of,
    kept,
    picked,
    query,
    turned,
)
from bookings.admin.placing import may_squeeze, overbook_reason, refusal_of
from bookings.admin.reading import record_reads
from bookings.admin.sheet import patient_name, way_back
from bookings.admin.shown import short
from bookings.admin.steps import ANSWER, MOVE, OVERBOOK_REASONS
from bookings.admin.wishes import NarrowForm
from bookings.availability import Asking, NotOffered, Slot, SlotTaken, Wish
from bookings.booking import NotPossible
from bookings.contacts import mail_reaches
from bookings.models import Appointment, AppointmentStatus, Practitioner, User
from bookings.refusals import Refusal
from bookings.roles import Access, access_of, staff_actor


@dataclass(frozen=True, slots=True)
class Way:
    """What the page is for."""

    name: str
    title: str | Promise
    act: str | Promise
    """On the button."""
    warning: str | Promise
    unreached: str | Promise
    """Instead of the warning, where there is no address to write to."""
    permission: str
    statuses: tuple[AppointmentStatus, ...]


WAYS: Final = {
    "move": Way(
        "move",
        _("Move an appointment"),
        _("Move"),
        _("The patient is told by e-mail at once, and the old time is free again."),
        _("There is no e-mail address: nobody is told unless you do it. The old time is free again at once."),
        MOVE,
        (AppointmentStatus.BOOKED,),
    ),
    "offer": Way(
        "offer",
        _("Offer another time"),
        _("Offer this time"),
        _("The patient is asked by e-mail. The time asked for is free again; this one is kept until they answer."),
        _("There is no e-mail address to send an offer to: call, and book what the patient wants."),
        ANSWER,
        (AppointmentStatus.PENDING, AppointmentStatus.PROPOSED),
    ),
}


@dataclass
class Visit:
    """One request for the page, read."""

    request: HttpRequest
    now: datetime
    way: Way
    access: Access
    row: Appointment
    form: NarrowForm
    picked: Picked | None
    refusal: Refusal | None = None

    @property
    def wish(self) -> Wish:
        """What the time chosen asks for."""
        assert self.picked is not None
        who = self.form.cleaned_data.get("practitioner")
        return moving.wish_to_move(
            self.row, start=self.picked.start, location=self.picked.place, practitioner=who, online=False
        )

    @cached_property
    def who(self) -> Practitioner | None:
        """With whom it would be, as the page says and the press does."""
        wish = self.wish
        return moving.with_whom(self.row, wish=wish, now=self.now) or wish.practitioner

    def is_there(self, slot: Slot) -> bool:
        """Whether a free time is the one it has."""
        who, place = self.form.cleaned_data.get("practitioner"), self.form.locations.get(slot.location_id)
        return place is not None and moving.is_there(self.row, start=slot.start, location=place, practitioner=who)

    @property
    def following(self) -> int:
        """How many occurrences of a series would be moved with “this and all following”; 0 when there is no choice."""
        return len(series.following(self.row)) if self.row.series_id and self.way.name == "move" else 0


class Moving:
    """The pages at /admin/bookings/appointment/<id>/move/ and …/offer/."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def page(self, request: HttpRequest, appointment_id: UUID, way: str) -> HttpResponse:
        """Choose (GET), move or offer (POST). Raises Http404 for what is none of the person's."""
        visit = self._read(request, appointment_id, WAYS[way])
        if visit is None:
            return HttpResponseRedirect(self._back(request, appointment_id))
        if visit.picked is not None:
            if request.method != "POST":
                visit.refusal = refusal_of([visit.wish], now=visit.now)
            elif self._post(visit):
                return HttpResponseRedirect(self._back(request, appointment_id))
        record_reads(request=request, view=f"appointment.{way}", patients=[visit.row.patient])
        return TemplateResponse(
            request, "admin/bookings/appointment/move.html", {**self.site.each_context(request), **self._shown(visit)}
        )

    def _read(self, request: HttpRequest, appointment_id: UUID, way: Way) -> Visit | None:
        access = access_of(request.user)
        rows = Appointment.objects.filter(clinic__in=access.clinics(way.permission))
        row = rows.select_related("clinic", "service", "location", "practitioner", "patient").filter(pk=appointment_id)
        appointment = row.first()
        if appointment is None:
            raise Http404
        try:
            appointment.needs  # noqa: B018 - reading unseals: what an erased patient needs nobody knows
        except KeyDestroyed:
            appointment.status = AppointmentStatus.ENTERED_IN_ERROR
        if appointment.status not in way.statuses:
            messages.error(request, str(NotPossible()))
            return None
        now = timezone.now()
        form = NarrowForm(request.GET, clinic=appointment.clinic, today=now.date())
        chosen = picked(request.GET, wish=form) if form.is_valid() else None
        return Visit(request, now, way, access, appointment, form, chosen)

    def _shown(self, visit: Visit) -> dict[str, Any]:
        given, row, form = visit.request.GET, visit.row, visit.form
        search = Search(
            service=row.service,
            narrowed=form.narrowed(moved=(row,)),
            asking=Asking.of(row),
            length=moving.wish_to_move(row, start=row.start, online=False).length,
        )
        explain = reverse("admin:bookings_appointment_explain")
        squeeze = visit.way.name == "move" and may_squeeze(visit.refusal, service=row.service, access=visit.access)
        refused = isinstance(visit.refusal, (NotOffered, SlotTaken))
        found = search.week(now=visit.now, since=form.since_day) if visit.picked is None or refused else []
        found = [chain for chain in found if not visit.is_there(chain[0])]
        return {
            "title": visit.way.title,
            "opts": Appointment._meta,
            "appointment": row,
            "name": patient_name(row),
            "before": moments.moment(row.start, zone=row.location.tz),
            "way": visit.way,
            "mail": mail_reaches(row, now=visit.now),
            "wish": form,
            "picked": visit.picked,
            "told": self._told(visit),
            "refusal": visit.refusal,
            "bookable": not refused,
            "squeeze": OVERBOOK_REASONS if squeeze else None,
            "following": visit.following if visit.picked else 0,
            "days": days_of(found, given=given, wish=form),
            "earlier": turned(given, wish=form, by=-SHOWN),
            "later": turned(given, wish=form, by=SHOWN),
            "other_time": query(given, **dict.fromkeys(CHOSEN)),
            "another": AnotherTimeForm(given, wish=form),
            "another_kept": [*kept(given, *CHOSEN, "moved"), ("moved", str(row.pk))],
            "explain": explain,
            "why": explain + query(given, moved=row.pk),
            "here": query(given),
            "given_back": given.get("back", "page"),
            "back": self._back(visit.request, row.pk),
        }

    def _told(self, visit: Visit) -> str:
        if visit.picked is None:
            return ""
        place = visit.picked.place
        parts = [moments.moment(visit.picked.start, zone=place.tz), place, visit.who]
        return " · ".join(str(part) for part in parts if part)

    # --- moving

    def _post(self, visit: Visit) -> bool:
        """Do it and say how it went; whether it was done."""
        request, row = visit.request, visit.row
        why = overbook_reason(request.POST, service=row.service, access=visit.access)
        everything = request.POST.get("extent") == "following" and visit.following > 1
        if why is None or (why and everything):
            messages.error(
                request, _("Say why, please.") if why is None else _("Only a single visit can be squeezed in.")
            )
            visit.refusal = refusal_of([visit.wish], now=visit.now)
            return False
        actor = staff_actor(user=cast(User, request.user), clinic_id=row.clinic_id)
        act: Callable[..., list[str]] = (
            _offer if visit.way.name == "offer" else _move_following if everything else _move_one
        )
        try:
            said = act(visit, actor=actor, why=why, skipping=bool(request.POST.get("skipping")))
        except Refusal as refusal:
            messages.error(request, str(refusal))
            visit.refusal = refusal
            return False
        for line in said:
            messages.success(request, line)
        return True

    def _back(self, request: HttpRequest, appointment_id: UUID) -> str:
        given = request.POST.get("back", request.GET.get("back", "page"))  # the sheet of today has an empty one
        return way_back(given, appointment_id=appointment_id)


def _command(visit: Visit, actor: Actor) -> dict[str, Any]:
    wish = visit.wish
    return {
        "actor": actor,
        "now": visit.now,
        "appointment_id": visit.row.pk,
        "start": wish.start,
        "location": wish.location,
        "practitioner": visit.who,
    }


def _move_one(visit: Visit, *, actor: Actor, why: str, skipping: bool) -> list[str]:
    moved = moving.reschedule(**_command(visit, actor), by="clinic", overbook_reason=why)
    told = {"moment": moments.moment(moved.start, zone=moved.location.tz), "code": moved.patient.code}
    return [_("Moved to %(moment)s · %(code)s.") % told]


def _offer(visit: Visit, *, actor: Actor, why: str, skipping: bool) -> list[str]:
    offered = approval.offer(**_command(visit, actor))
    told = {"moment": moments.moment(offered.start, zone=offered.location.tz), "code": offered.patient.code}
    return [_("Offered: %(moment)s · %(code)s.") % told]


def _move_following(visit: Visit, *, actor: Actor, why: str, skipping: bool) -> list[str]:
    command = {**_command(visit, actor), "practitioner": visit.wish.practitioner}
    done = series.reschedule_following(**command, by="clinic", skipping=skipping)
    count = len(done.moved)
    code = visit.row.patient.code
    said = ngettext("%(count)d visit moved · %(code)s.", "%(count)d visits moved · %(code)s.", count)
    left = "; ".join(short(row.start, zone=row.location.tz) for row in done.left)
    return [
        said % {"count": count, "code": code},
        *([_("Left where they are: %(times)s.") % {"times": left}] if left else []),
    ]
