"""One appointment behind its opaque link: closed until a code is typed, then open for an hour."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from audit.sealed import KeyDestroyed
from bookings import booking, confirming, ics, links, offers, proof, questions, reminders, series, siblings, unlocking
from bookings.contacts import contact_of
from bookings.forms.codes import CodeForm
from bookings.forms.scopes import scope_in
from bookings.models import Appointment, AppointmentStatus, Patient, VisitKind
from bookings.moving import MOVABLE, movable_until
from bookings.views import lookups, sessions, summaries
from bookings.views.codes import wrong
from bookings.views.errors import refused
from bookings.views.lookups import VISITOR
from bookings.views.methods import allow, count
from bookings.views.rendering import page
from bookings.views.sessions import visitor_of

_GONE = (AppointmentStatus.CANCELLED, AppointmentStatus.NOSHOW, AppointmentStatus.ENTERED_IN_ERROR)
LinkView = Callable[..., HttpResponse]


def by_link(view: LinkView) -> LinkView:
    """Give the view the appointment its link leads to; any other link gets one and the same page, to /find/."""

    @wraps(view)
    def opened(request: HttpRequest, *, token: str) -> HttpResponse:
        now = timezone.now()
        appointment = lookups.appointment_or_none(token, now=now)
        if appointment is None:
            count(request, what="link")
            return page(request, "bookings/link_gone.html", status=404)
        return view(request, appointment=appointment, token=token, now=now)

    return opened


def unlocked(view: LinkView) -> LinkView:
    """Let only a session in that proved the appointment's contact; any other is sent to where it can."""

    @wraps(view)
    def guarded(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
        if not sessions.proved(request, appointment=appointment, now=now):
            return redirect("bookings:manage", token=token)
        return view(request, appointment=appointment, token=token, now=now)

    return guarded


@allow("GET", "POST", counted="code")
@by_link
def manage(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
    """Closed: that there is an appointment, and a button that sends a code. Open: all about it."""
    if request.method != "POST":
        if sessions.proved(request, appointment=appointment, now=now):
            return open_page(request, appointment, template="bookings/manage.html", token=token, now=now)
        return _closed(request, appointment, template="bookings/locked.html", token=token, now=now)
    try:
        sent = unlocking.send_code(
            actor=VISITOR, now=now, visitor=visitor_of(request), appointment=appointment, language=lookups.language()
        )
    except KeyDestroyed:
        return page(request, "bookings/link_gone.html", status=404)
    except (proof.TooManyCodes, unlocking.NoContact) as refusal:
        status = 429 if isinstance(refusal, proof.TooManyCodes) else 409
        return refused(request, refusal, status=status, clinic=appointment.clinic)
    sessions.wait_for(request, what=str(appointment.pk), challenge_id=sent.pk)
    return redirect("bookings:manage-code", token=token)


@allow("GET", "POST", counted="try")
@by_link
def code(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
    """Type the code; then the page opens for an hour."""
    challenge_id = sessions.waiting_for(request, what=str(appointment.pk))
    if challenge_id is None:
        return redirect("bookings:manage", token=token)
    form = CodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                proved = unlocking.unlock(
                    actor=VISITOR,
                    now=now,
                    visitor=visitor_of(request),
                    appointment=appointment,
                    challenge_id=challenge_id,
                    code=form.cleaned_data["code"],
                )
            except proof.WrongCode as refusal:
                form.add_error("code", wrong(refusal))
            except proof.CodeExpired as refusal:
                form.add_error("code", str(refusal))
                status = 410
            else:
                sessions.remember(request, proven=proved, now=now)
                return redirect("bookings:manage", token=token)
    return page(
        request,
        "bookings/manage_code.html",
        clinic=appointment.clinic,
        status=status,
        form=form,
        token=token,
        here=request.path,
    )


@allow("GET")
@by_link
@unlocked
def booked(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
    """Where a booking ends: what, when, where, what to bring, and the link to keep."""
    contact = contact_of(appointment, now=now).email
    return open_page(request, appointment, template="bookings/booked.html", token=token, now=now, contact=contact)


@allow("GET", "POST")
@by_link
def cancel(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
    """Ask once more, then cancel. The link alone cancels this one visit, and shows nothing but its time."""
    proved = sessions.proved(request, appointment=appointment, now=now)
    if not proved and not confirming.by_link_alone(appointment, now=now):
        return redirect("bookings:manage", token=token)
    if request.method != "POST":
        if not unlocking.cancellable(appointment, now=now):
            return redirect("bookings:manage", token=token)
        if not proved:
            return _closed(request, appointment, template="bookings/cancel_closed.html", token=token, now=now)
        return open_page(request, appointment, template="bookings/cancel.html", token=token, now=now)
    end = series.cancel_following if proved and scope_in(request.POST) == "following" else booking.cancel
    actor = lookups.patient_of(appointment) if proved else lookups.holder_of(appointment)
    try:
        end(actor=actor, now=now, appointment_id=appointment.pk, by="patient")
    except booking.TooLateToCancel as refusal:
        return refused(
            request,
            refusal,
            status=409,
            clinic=appointment.clinic,
            way=reverse("bookings:manage", args=[token]),
            here=request.path,
        )
    except booking.NotPossible:
        pass  # cancelled already, by a second press or by the clinic: the page says how it stands
    return redirect("bookings:manage", token=token)


@allow("GET")
@by_link
@unlocked
def ics_file(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
    """The appointment as a calendar file."""
    response = HttpResponse(
        ics.calendar(appointment, now=now, base_url=settings.BASE_URL), content_type="text/calendar; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="appointment.ics"'
    return response


@allow("GET")
@by_link
@unlocked
def slip(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
    """The appointment on one sheet of paper."""
    return open_page(request, appointment, template="bookings/slip.html", token=token, now=now)


def _closed(
    request: HttpRequest, appointment: Appointment, *, template: str, token: str, now: datetime
) -> HttpResponse:
    """What the link alone shows: the time at most, and nothing that says more."""
    return page(
        request,
        template,
        clinic=appointment.clinic,
        appointment=appointment if confirming.by_link_alone(appointment, now=now) else None,
        cancellable=unlocking.cancellable(appointment, now=now),
        token=token,
    )


def open_page(
    request: HttpRequest,
    appointment: Appointment,
    *,
    template: str,
    token: str,
    now: datetime,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """A page about one appointment, with those that belong to it."""
    service, clinic, language = appointment.service, appointment.clinic, lookups.language()
    others = siblings.of(appointment, now=now)
    prefetch_related_objects(others, "service__texts")
    tokens = links.tokens(others)
    stands = appointment.status == AppointmentStatus.BOOKED and appointment.end > now
    return page(
        request,
        template,
        clinic=clinic,
        status=status,
        appointment=appointment,
        service_name=offers.name_of(service, clinic=clinic, language=language),
        instructions=offers.instructions_of(service, clinic=clinic, language=language),
        access=offers.access_to([appointment.location], clinic=clinic, language=language)[appointment.location_id],
        answered=questions.answered(appointment),
        minutes=appointment.minutes,
        whose=_called(appointment.patient),
        reminded=stands and reminders.to_come(appointment, now=now),
        kind=appointment.kind,
        how=summaries.how(appointment.kind),
        visit_address=appointment.visit_address,
        video_link=appointment.practitioner.video_link if stands and appointment.kind == VisitKind.VIDEO else "",
        cancellable=unlocking.cancellable(appointment, now=now),
        movable=movable(appointment, now=now),
        following=len(followers(appointment)),
        others=[
            {
                "appointment": other,
                "service_name": offers.name_of(other.service, clinic=clinic, language=language),
                "token": tokens[other.pk],
                "whose": _called(other.patient) if other.patient_id != appointment.patient_id else "",
            }
            for other in others
        ],
        past=appointment.end <= now,
        over=appointment.end <= now or appointment.status in _GONE,
        moved="moved" in request.GET,
        token=token,
        **more,
    )


def _called(patient: Patient) -> str:
    """What a family tells its members apart by, and no more: the page opens to whoever reads the mail."""
    return patient.given_name or patient.family_name


def movable(appointment: Appointment, *, now: datetime) -> bool:
    """Whether the patient may still move it online: what `moving.reschedule` asks before it looks at times."""
    service = appointment.service
    offered = service.active and service.bookable_online
    return offered and appointment.status in MOVABLE and now <= movable_until(appointment)


def followers(appointment: Appointment) -> list[Appointment]:
    """The later occurrences of its series that can be changed with it; none for a visit that is not one of several."""
    if appointment.series_id is None:
        return []
    listed = series.following(appointment)
    return listed[1:] if listed and listed[0].pk == appointment.pk else []
