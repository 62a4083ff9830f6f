"""“Why is this time not offered?”: each rule and its verdict on one time, for staff and for patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.sealed import KeyDestroyed
from bookings import moments
from bookings.admin.freetimes import CHOSEN, AnotherTimeForm, kept, picked, query
from bookings.admin.placing import may_squeeze, standing_of, wishes_of
from bookings.admin.steps import ANSWER, MOVE
from bookings.admin.wishes import NarrowForm, WishForm
from bookings.availability import MESSAGES, Choice, Explanation, Rule, SlotTaken, Verdict, Wish, explain
from bookings.availability.rules import latest
from bookings.models import Appointment, AppointmentStatus, Clinic, Device, Patient, Practitioner, Room
from bookings.moving import wish_to_move
from bookings.roles import Access, access_of

ADD: Final = "bookings.add_appointment"

#: What each rule is about, in a few words.
NAMES: Final[Mapping[Rule, str | Promise]] = MappingProxyType(
    {
        Rule.SERVICE: _("the service is offered"),
        Rule.LOCATION: _("the service is given at this location"),
        Rule.PATIENT: _("the patient’s record is one of this clinic, and open"),
        Rule.PRACTITIONER: _("the practitioner gives this service"),
        Rule.ONLINE: _("patients book it online"),
        Rule.KIND: _("it is given in this way"),
        Rule.ANSWERS: _("all questions are answered"),
        Rule.TERMS: _("it is offered online with these answers"),
        Rule.REFERRAL: _("the patient has a referral, or needs none"),
        Rule.TIME: _("the time exists on that day"),
        Rule.PAST: _("the time has not passed"),
        Rule.NOTICE: _("it is not too soon"),
        Rule.HORIZON: _("it is not too far ahead"),
        Rule.CAP_OPEN: _("the patient has not too many visits to come"),
        Rule.CAP_DAY: _("the patient has not too many visits that day"),
        Rule.SESSION: _("a group meets at this time"),
        Rule.HOLIDAY: _("no public holiday"),
        Rule.HOURS: _("opening hours"),
        Rule.CLOSURE: _("nothing is closed"),
        Rule.STEP: _("visits start at this time"),
        Rule.ROOM: _("a room of this kind is open"),
        Rule.DEVICE: _("a device can be used"),
        Rule.OVERBOOKING: _("one more may be squeezed in"),
        Rule.TAKEN: _("the practitioner is free"),
        Rule.ROOM_TAKEN: _("a room is free"),
        Rule.DEVICE_TAKEN: _("a device is free"),
        Rule.FULL: _("the group has a place left"),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: whether it holds for staff and for patients (None where it is not asked), and for whom it decided."""

    name: str | Promise
    staff: bool | None
    patients: bool | None
    decides_staff: bool
    decides_patients: bool


@dataclass(frozen=True, slots=True)
class Part:
    """The rules about one thing: the request, or one practitioner."""

    title: str | Promise
    lines: list[Line]


def decisive(told: Explanation) -> Rule | None:
    """The rule that refuses, as `choose` names it; None when the time can be booked."""
    if told.chosen is not None:
        return None
    first = _first_against(told.wish)
    if first is not None:
        return first
    against = [rule for verdicts in told.candidates.values() if (rule := _first_against(verdicts)) is not None]
    return latest(*against) if against else None


def parts_of(*, staff: Explanation, patients: Explanation, names: Mapping[int, str]) -> list[Part]:
    """Both explanations side by side: what is about the request first, then each practitioner."""
    listed = [_part(_("The request"), staff.wish, patients.wish, by=(decisive(staff), decisive(patients)))]
    for one in sorted({*staff.candidates, *patients.candidates}, key=lambda pk: (names.get(pk, ""), pk)):
        both = staff.candidates.get(one, ()), patients.candidates.get(one, ())
        decided = [
            rule if _first_against(told.wish) is None and _first_against(verdicts) == rule else None
            for told, verdicts, rule in zip((staff, patients), both, (decisive(staff), decisive(patients)), strict=True)
        ]
        listed.append(_part(names.get(one, "?"), *both, by=(decided[0], decided[1])))
    return listed


def _part(
    title: str | Promise, staff: Sequence[Verdict], patients: Sequence[Verdict], *, by: tuple[Rule | None, Rule | None]
) -> Part:
    ours, theirs = dict(staff), dict(patients)
    return Part(
        title,
        [
            Line(
                NAMES[rule],
                ours.get(rule),
                theirs.get(rule),
                decides_staff=ours.get(rule) is False and rule == by[0],
                decides_patients=theirs.get(rule) is False and rule == by[1],
            )
            for rule in Rule
            if rule in ours or rule in theirs
        ],
    )


def _first_against(verdicts: Sequence[Verdict]) -> Rule | None:
    return next((rule for rule, holds in verdicts if not holds), None)


class Explaining:
    """The page at /admin/bookings/appointment/explain/."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def page(self, request: HttpRequest) -> HttpResponse:
        """The rules for the time in the address. Raises PermissionDenied for who books, moves and answers nowhere."""
        access = access_of(request.user)
        clinics = Clinic.objects.filter(pk__in=access.clinics(ADD, MOVE, ANSWER)).order_by("name", "pk")
        if not clinics:
            raise PermissionDenied
        moved = _moved(request.GET, access=access)
        patient = _patient(request.GET, access=access)
        form, wish = self._wish(request.GET, clinics=clinics, moved=moved, patient=patient)
        return TemplateResponse(
            request,
            "admin/bookings/appointment/explain.html",
            {
                **self.site.each_context(request),
                "title": _("Why is this time not offered?"),
                "opts": Appointment._meta,
                "another": AnotherTimeForm(request.GET, wish=form),
                "another_kept": kept(request.GET, *CHOSEN, "q"),
                "to_times": _ways(moved, access=access)[0] + query(request.GET, **dict.fromkeys(CHOSEN)),
                **({} if wish is None else _verdicts(wish, form=form, given=request.GET, moved=moved, access=access)),
            },
        )

    def _wish(
        self, given: QueryDict, *, clinics: Any, moved: Appointment | None, patient: Patient | None
    ) -> tuple[NarrowForm, Wish | None]:
        """What is asked about, for staff; None until service and time are known."""
        today = timezone.now().date()
        if moved is not None:
            form = NarrowForm(given, clinic=moved.clinic, today=today)
            at = picked(given, wish=form) if form.is_valid() else None
            if at is None:
                return form, None
            who = form.cleaned_data.get("practitioner")
            return form, wish_to_move(moved, start=at.start, location=at.place, practitioner=who, online=False)
        wanted = given.get("clinic", "")
        clinic = patient.clinic if patient else next((row for row in clinics if str(row.pk) == wanted), clinics[0])
        known = {"standing": standing_of(patient)} if patient else {}
        wished = WishForm(given, clinics=clinics, clinic=clinic, today=today, **known)
        at = picked(given, wish=wished) if wished.is_valid() else None
        if wished.chosen_service is None or at is None:
            return wished, None
        (wish, *_more) = wishes_of(wished, at, asking=wished.asking)
        return wished, replace(wish, patient_id=patient.pk if patient else None)


def _verdicts(
    wish: Wish, *, form: NarrowForm, given: QueryDict, moved: Appointment | None, access: Access
) -> dict[str, Any]:
    now = timezone.now()
    staff, patients = explain(wish=wish, now=now), explain(wish=replace(wish, online=True), now=now)
    ours, theirs = decisive(staff), decisive(patients)
    squeezed = None
    if ours is not None and may_squeeze(SlotTaken(wish=wish, now=now), service=wish.service, access=access):
        squeezed = explain(wish=replace(wish, overbook=True), now=now).chosen
    zone = wish.location.tz
    on = query(given, **dict.fromkeys(CHOSEN) | {"start": wish.start.isoformat(), "at": wish.location.pk, "q": None})
    page, may = _ways(moved, access=access)
    return {
        "told": f"{wish.service} · {moments.moment(wish.start, zone=zone)} · {wish.location}",
        "parts": parts_of(
            staff=staff, patients=patients, names={pk: str(person) for pk, person in form.people.items()}
        ),
        "for_staff": MESSAGES[ours] if ours else _("It can be booked."),
        "for_patients": MESSAGES[theirs] if theirs else _("It can be booked."),
        "takes": _takes(staff.chosen, form=form),
        "squeezed": _takes(squeezed, form=form),
        "go_on": page + on if may and (staff.chosen or squeezed) else "",
    }


def _takes(choice: Choice | None, *, form: NarrowForm) -> str:
    """Who would give it, in which room, with which device; empty when nobody."""
    if choice is None:
        return ""
    named: list[object] = [
        form.people.get(choice.practitioner_id) or Practitioner.objects.get(pk=choice.practitioner_id)
    ]
    if choice.room_id is not None:
        named.append(Room.objects.get(pk=choice.room_id))
    if choice.device_id is not None:
        named.append(Device.objects.get(pk=choice.device_id))
    return " · ".join(str(thing) for thing in named)


def _ways(moved: Appointment | None, *, access: Access) -> tuple[str, bool]:
    """The page one came from and would go on with, and whether the person may."""
    if moved is None:
        return reverse("admin:bookings_appointment_add"), bool(access.clinics(ADD))
    booked = moved.status == AppointmentStatus.BOOKED
    name, permission = ("move", MOVE) if booked else ("offer", ANSWER)
    may = access.may(permission, clinic_id=moved.clinic_id)
    return reverse(f"admin:bookings_appointment_{name}", args=[moved.pk]), may


def _moved(given: QueryDict, *, access: Access) -> Appointment | None:
    """The appointment that would be moved, when there is one. Raises Http404 for another clinic's and one erased."""
    if not given.get("moved"):
        return None
    rows = Appointment.objects.filter(clinic__in=access.clinics(MOVE, ANSWER))
    try:
        row = rows.select_related("clinic", "service", "location", "practitioner", "patient").get(
            pk=UUID(given.get("moved"))
        )
        row.needs  # noqa: B018 - reading unseals: what an erased patient needs nobody knows
    except (ValueError, Appointment.DoesNotExist, KeyDestroyed) as error:
        raise Http404 from error
    return row


def _patient(given: QueryDict, *, access: Access) -> Patient | None:
    pk = given.get("patient", "")
    rows = Patient.objects.filter(clinic__in=access.clinics(ADD), erased_at=None, merged_into=None)
    return rows.select_related("clinic").filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 19 else None
