"""The answer of somebody invited to an appointment, behind a link of their own: when, where, and three buttons."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from audit.context import Actor
from bookings import links, participants
from bookings.models import ParticipantStatus
from bookings.views.errors import refused
from bookings.views.methods import allow, count
from bookings.views.rendering import page

ANSWERS = (ParticipantStatus.ACCEPTED, ParticipantStatus.TENTATIVE, ParticipantStatus.DECLINED)


@allow("GET", "POST")
def participant(request: HttpRequest, *, token: str) -> HttpResponse:
    """Ask for an answer, and take it. Reading changes nothing; the page names neither patient nor service."""
    now = timezone.now()
    invited = links.participant_by_token(token=token, now=now)
    if invited is None or invited.appointment.patient.erased_at:
        count(request, what="link")
        return page(request, "bookings/link_gone.html", status=404)
    appointment = invited.appointment
    status = 200
    if request.method == "POST":
        answer = request.POST.get("answer", "")
        if answer in ANSWERS:
            actor = Actor(kind="visitor", id=str(invited.pk), label=str(invited))
            try:
                participants.respond(actor=actor, now=now, participant_id=invited.pk, status=ParticipantStatus(answer))
            except participants.NothingToAnswer as refusal:
                return refused(request, refusal, status=409, clinic=appointment.clinic, here=request.path)
            return redirect("bookings:participant", token=token)
        status = 422
    return page(
        request,
        "bookings/participant.html",
        clinic=appointment.clinic,
        status=status,
        here=request.path,
        appointment=appointment,
        status_now=invited.status,
        answerable=appointment.status in participants.OPEN and now < appointment.end,
    )
