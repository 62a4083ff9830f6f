"""“Find my appointment”: the clinic and the contact, a code, and the links that were lost."""

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from bookings import links, lookup, offers, proof, reach
from bookings.forms.codes import CodeForm, FindForm
from bookings.models import Clinic, ContactChallenge
from bookings.views import lookups, sessions
from bookings.views.codes import wrong
from bookings.views.errors import refused
from bookings.views.lookups import VISITOR
from bookings.views.methods import allow
from bookings.views.rendering import page
from bookings.views.sessions import FINDING, visitor_if_known, visitor_of
from bookings.visitors import visitor_digest


@allow("GET", "POST", counted="code")
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a code. The answer is the same whether the clinic knows the contact or not."""
    clinics = list(Clinic.objects.filter(active=True).order_by("name", "pk"))
    if request.method != "POST":
        slug = request.GET.get("clinic", "") or (clinics[0].slug if len(clinics) == 1 else "")
        return _ask_page(request, form=FindForm(clinics=clinics, initial={"clinic": slug}))
    form = FindForm(request.POST, clinics=clinics)
    if not form.is_valid():
        return _ask_page(request, form=form, status=422)
    clinic = form.chosen_clinic()
    try:
        sent = lookup.ask(
            actor=VISITOR,
            now=timezone.now(),
            clinic=clinic,
            contact=form.cleaned_data["email"],
            visitor=visitor_of(request),
            language=lookups.language(),
        )
    except proof.TooManyCodes as refusal:
        return refused(request, refusal, status=429, clinic=clinic, here=request.path)
    sessions.wait_for(request, what=FINDING, challenge_id=sent.pk)
    return redirect("bookings:find-code")


@allow("GET", "POST", counted="try")
def code(request: HttpRequest) -> HttpResponse:
    """Type the code; then the list opens."""
    now = timezone.now()
    challenge = _challenge(request)
    if challenge is None:
        return redirect("bookings:find")
    form = CodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                proved = proof.prove(
                    actor=VISITOR,
                    now=now,
                    visitor=visitor_of(request),
                    challenge_id=challenge.pk,
                    code=form.cleaned_data["code"],
                )
            except proof.WrongCode as refusal:
                form.add_error("code", wrong(refusal))
            except proof.CodeExpired as refusal:
                form.add_error("code", str(refusal))
                status = 410
            else:
                sessions.remember(
                    request, proven=reach.proven(clinic_id=proved.clinic_id, email=proved.contact), now=now
                )
                return redirect("bookings:found")
    return page(
        request, "bookings/find_code.html", clinic=challenge.clinic, status=status, form=form, here=request.path
    )


@allow("GET")
def found(request: HttpRequest) -> HttpResponse:
    """The appointments of the proved contact, each a way to its page."""
    challenge = _challenge(request)
    if challenge is None:
        return redirect("bookings:find")
    try:
        appointments = lookup.found(now=timezone.now(), challenge=challenge)
    except proof.CodeExpired:
        return redirect("bookings:find")
    prefetch_related_objects(appointments, "service__texts")
    tokens = links.tokens(appointments)
    language = lookups.language()
    several = len({appointment.patient_id for appointment in appointments}) > 1
    rows = [
        {
            "appointment": appointment,
            "whose": appointment.patient.full_name if several else "",
            "service_name": offers.name_of(appointment.service, clinic=challenge.clinic, language=language),
            "token": tokens[appointment.pk],
        }
        for appointment in appointments
    ]
    return page(request, "bookings/found.html", clinic=challenge.clinic, rows=rows)


def _challenge(request: HttpRequest) -> ContactChallenge | None:
    """The code this session asked for to find its appointments."""
    sent = sessions.waiting_for(request, what=FINDING)
    if sent is None:
        return None
    return (
        ContactChallenge.objects.select_related("clinic")
        .filter(
            pk=sent, purpose=ContactChallenge.Purpose.FIND, visitor_digest=visitor_digest(visitor_if_known(request))
        )
        .first()
    )


def _ask_page(request: HttpRequest, *, form: FindForm, status: int = 200) -> HttpResponse:
    slug = form["clinic"].value()
    return page(
        request, "bookings/find.html", clinic=form.clinics.get(str(slug)), status=status, form=form, here=request.path
    )
