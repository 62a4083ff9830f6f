"""Booking for somebody who phones or stands at the desk: what, when, for whom, on one page and without a script."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bookings import duplicates, moments, patients
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
from bookings.admin.patient_form import NewPatientForm
from bookings.admin.placing import (
    LastForm,
    Placed,
    RepeatForm,
    asking_of,
    left_out_of,
    may_squeeze,
    overbook_reason,
    refusal_of,
    said_of,
    standing_of,
    wishes_of,
)
from bookings.admin.reading import record_reads
from bookings.admin.steps import OVERBOOK_REASONS
from bookings.admin.wishes import WishForm
from bookings.availability import Asking, NotOffered, SlotTaken, nearest, terms_of
from bookings.booking import Told
from bookings.contacts import mail_reaches
from bookings.models import Appointment, Clinic, Patient, User
from bookings.refusals import Refusal
from bookings.roles import Access, access_of, staff_actor

ADD: Final = "bookings.add_appointment"
HITS: Final = 25


@dataclass(slots=True)
class Call:
    """One request for the page, read."""

    request: HttpRequest
    now: datetime
    access: Access
    chosen: Patient | None
    wish: WishForm
    picked: Picked | None
    new: NewPatientForm
    last: LastForm
    repeat: RepeatForm
    refusal: Refusal | None = None

    @property
    def language(self) -> str:
        """In which the patient is written to; asked once of somebody new. Call after `is_valid`."""
        form = self.new if self.chosen is None else self.last
        return str(form.cleaned_data["language"])

    @property
    def bookable(self) -> bool:
        """Whether nothing is known to stand in the way of the time chosen."""
        return not isinstance(self.refusal, (NotOffered, SlotTaken))

    @property
    def asking(self) -> Asking:
        """What was said; somebody who is being written down is new."""
        return asking_of(self.wish, new=self.chosen is None and self.request.method == "POST")

    @property
    def too_long(self) -> str:
        """Why the time is refused, where it would do for what was said before the patient was chosen; else empty."""
        service, before = self.wish.chosen_service, self.request.GET.get("standing", "")
        if self.bookable or service is None or service.capacity is not None:
            return ""
        was, now = (
            terms_of(service=service, asking=asking).lengths.duration // 60
            for asking in (replace(self.asking, standing=before), self.asking)
        )
        if now <= was:
            return ""
        said = ngettext(
            "For this patient the visit takes %(minutes)s minute, and so long nobody is free at this time.",
            "For this patient the visit takes %(minutes)s minutes, and so long nobody is free at this time.",
            now,
        )
        return said % {"minutes": now}

    @property
    def told(self) -> str:
        """The time chosen, in words."""
        if self.picked is None or self.wish.chosen_service is None:
            return ""
        place, then = self.picked.place, self.wish.cleaned_data.get("then")
        who = self.wish.cleaned_data.get("practitioner") or self.picked.by
        parts: list[object] = [self.wish.chosen_service, moments.moment(self.picked.start, zone=place.tz)]
        if self.wish.chosen_service.capacity is None:
            minutes = terms_of(service=self.wish.chosen_service, asking=self.asking).lengths.duration // 60
            parts.append(ngettext("%(minutes)s minute", "%(minutes)s minutes", minutes) % {"minutes": minutes})
        parts += [place, *([who] if who else [])]
        if then is not None and self.picked.next is not None:
            parts += [f"→ {then}", moments.clock(self.picked.next, zone=place.tz), self.picked.next_by or ""]
        return " · ".join(str(part) for part in parts if part)


class PhoneBooking:
    """The page at /admin/bookings/appointment/add/."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def page(self, request: HttpRequest) -> HttpResponse:
        """Choose (GET), find the patient (GET), book (POST). Raises PermissionDenied for who may book nowhere."""
        clinics = Clinic.objects.filter(pk__in=access_of(request.user).clinics(ADD)).order_by("name", "pk")
        if not clinics:
            raise PermissionDenied
        call = self._read(request, clinics)
        if call.picked is not None:
            if request.method != "POST":
                call.refusal = refusal_of(wishes_of(call.wish, call.picked, asking=call.asking), now=call.now)
            elif (done := self._post(call)) is not None:
                return done
        found, asked = self._found(request, call.wish.whose)
        shown = [*found, *([call.chosen] if call.chosen else [])]
        record_reads(request=request, view="phone-booking", patients=shown)
        return TemplateResponse(
            request,
            "admin/bookings/appointment/book.html",
            {
                **self.site.each_context(request),
                "title": _("Book an appointment"),
                "opts": Appointment._meta,
                **self._times(call),
                "refusal": call.too_long or call.refusal,
                "squeeze": self._squeeze(call),
                "told": call.told,
                "key": request.POST.get("key") or uuid.uuid4(),
                "q": asked,
                "found": [(row, query(request.GET, patient=row.pk, q=None)) for row in found],
                "chosen": call.chosen,
                "new": call.new,
                "last": call.last,
                "repeat": None if call.wish.cleaned_data.get("then") else call.repeat,
                "kept": kept(request.GET, "q", "patient"),
                "here": query(request.GET, q=None),
                "other_patient": query(request.GET, patient=None, q=None, standing=None),
            },
        )

    def _read(self, request: HttpRequest, clinics: Any) -> Call:
        now = timezone.now()
        access = access_of(request.user)
        chosen = self._patient(access, request.POST.get("patient") or request.GET.get("patient", ""))
        wanted = request.GET.get("clinic", "")
        clinic = chosen.clinic if chosen else next((row for row in clinics if str(row.pk) == wanted), clinics[0])
        known = {"standing": standing_of(chosen)} if chosen else {}
        wish = WishForm(request.GET, clinics=clinics, clinic=clinic, today=now.date(), **known)
        time = None
        if wish.is_valid() and wish.chosen_service is not None:
            time = picked(request.GET, wish=wish, two=wish.cleaned_data.get("then") is not None)
        posted = request.POST if request.method == "POST" and time is not None else None
        language = chosen.language if chosen else clinic.language
        return Call(
            request=request,
            now=now,
            access=access,
            chosen=chosen,
            wish=wish,
            picked=time,
            new=NewPatientForm(None if chosen else posted, initial={"language": clinic.language}, prefix="new"),
            last=LastForm(posted, initial={"language": language}, kind=wish.asking.kind, new=chosen is None),
            repeat=RepeatForm(posted, auto_id="repeat_%s"),
        )

    def _times(self, call: Call) -> dict[str, Any]:
        """The free times, or those nearest to one that is taken."""
        given, wish, service = call.request.GET, call.wish, call.wish.chosen_service
        listed: dict[str, Any] = {"wish": wish, "service": service, "picked": call.picked, "days": [], "nearest": []}
        if service is not None and call.picked is None and wish.is_valid():
            then = wish.cleaned_data.get("then")
            search = Search(service=service, narrowed=wish.narrowed(), asking=wish.asking, then=then)
            listed["days"] = days_of(search.week(now=call.now, since=wish.since_day), given=given, wish=wish)
        two = wish.cleaned_data.get("then") is not None
        if service is not None and call.picked is not None and not call.bookable and not two:
            found = nearest(
                service=service,
                now=call.now,
                to=call.picked.start,
                online=False,
                asking=call.asking,
                narrowed=wish.narrowed(),
            )
            listed["nearest"] = days_of([(slot,) for slot in found], given=given, wish=wish)
        plain = dict.fromkeys(CHOSEN)
        return {
            **listed,
            "two": two,
            "bookable": call.bookable,
            "earlier": turned(given, wish=wish, by=-SHOWN),
            "later": turned(given, wish=wish, by=SHOWN),
            "other_time": query(given, **plain),
            "another": AnotherTimeForm(given, wish=wish),
            "another_kept": kept(given, *CHOSEN, "q"),
            "explain": reverse("admin:bookings_appointment_explain"),
            "why": reverse("admin:bookings_appointment_explain") + query(given, q=None),
        }

    def _squeeze(self, call: Call) -> dict[str, Any] | None:
        """The reasons to squeeze somebody in, where the person may."""
        service = call.wish.chosen_service
        if service is None or call.wish.cleaned_data.get("then") is not None:
            return None
        return OVERBOOK_REASONS if may_squeeze(call.refusal, service=service, access=call.access) else None

    # --- the patient

    def _patient(self, access: Access, given: str) -> Patient | None:
        if not given.isdecimal() or len(given) > 18:
            return None
        clinics = access.clinics(ADD)
        rows = Patient.objects.filter(clinic__in=clinics, erased_at=None, merged_into=None, pk=int(given))
        return rows.select_related("clinic").first()

    def _found(self, request: HttpRequest, clinic: Clinic) -> tuple[list[Patient], str]:
        asked = request.GET.get("q", "").strip()[:200]
        return (patients.search(clinic_ids=[clinic.pk], query=asked, limit=HITS), asked) if asked else ([], "")

    # --- booking

    def _post(self, call: Call) -> HttpResponse | None:
        """Book; None when something is missing or refused, which has then been said."""
        request, service = call.request, call.wish.chosen_service
        assert service is not None
        assert call.picked is not None
        wishes = wishes_of(call.wish, call.picked, asking=call.asking)
        forms = [call.last, call.repeat, *([call.new] if call.chosen is None else [])]
        if [form for form in forms if not form.is_valid()]:  # each says what it lacks
            call.refusal = refusal_of(wishes, now=call.now)
            return None
        why = overbook_reason(request.POST, service=service, access=call.access)
        if why is None or (why and (call.repeat.rrule or len(wishes) > 1)):
            wrong = _("Say why, please.") if why is None else _("Only a single visit can be squeezed in.")
            messages.error(request, wrong)
            call.refusal = refusal_of(wishes, now=call.now)
            return None
        placed = Placed(
            wishes=wishes,
            patient=call.chosen,
            person=call.new.written() if call.chosen is None else None,
            told=Told(**{"language": call.language, **call.last.cleaned_data}, overbook_reason=why),
            rrule=call.repeat.rrule if len(wishes) == 1 else "",
            skipping=call.repeat.skipping,
        )
        actor = staff_actor(user=cast(User, request.user), clinic_id=service.clinic_id)
        try:
            made = placed.book(actor=actor, now=call.now, key=_key(request.POST.get("key", "")))
        except Refusal as refusal:
            messages.error(request, str(refusal))
            call.refusal = refusal
            return None
        for said in said_of(made):
            messages.success(request, said)
        if not mail_reaches(made.appointments[0], now=call.now):
            messages.warning(request, _("There is no e-mail address: no confirmation and no reminder is sent."))
        if left_out := left_out_of(made):
            messages.warning(request, left_out)
        if call.chosen is None and duplicates.waiting_for(patient=made.appointments[0].patient).exists():
            messages.warning(
                request, _("There is an older record with this name and birth date. Are they one patient?")
            )
        return HttpResponseRedirect(reverse("admin:bookings_appointment_change", args=[made.appointments[0].pk]))


def _key(text: str) -> uuid.UUID:
    """The command's key as the page carried it, so that a second press books nothing more."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid4()
