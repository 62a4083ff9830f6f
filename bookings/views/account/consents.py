"""What the holder of an account agreed to: seen, taken back, given."""

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from bookings import consents as agreed
from bookings.consents import Ask
from bookings.models import Consent, Patient
from bookings.views import lookups
from bookings.views.account.holding import Holder, account_page, acting_for, holder_only
from bookings.views.methods import allow


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the holder's own: what they agreed to, what they may agree to, and what they took back."""

    patient: Patient
    stands: list[Consent]
    asked: list[Ask]
    before: list[Consent]


@allow("GET", "POST")
@holder_only
def consents(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """The list (GET), and one yes or no (POST). Only for the holder's own records: nobody agrees here for another."""
    records = _records(holder)
    if request.method != "POST":
        asks = any(record.stands or record.asked or record.before for record in records)
        return account_page(request, "me/consents.html", holder=holder, current="consents", records=records, asks=asks)
    _say(request, records=records, now=holder.now)
    return redirect(request.path)


def _records(holder: Holder) -> list[Record]:
    return [
        Record(
            patient=patient,
            stands=agreed.standing(patient),
            asked=agreed.asked(clinic=holder.clinic, language=lookups.language(), patient=patient),
            before=agreed.taken_back(patient),
        )
        for patient in holder.own
    ]


def _say(request: HttpRequest, *, records: list[Record], now: datetime) -> None:
    """One of the page's buttons; a second press changes nothing. Raises Http404 for what is not the holder's."""
    given, taken = request.POST.get("give", ""), request.POST.get("withdraw", "")
    for record in records:
        if str(record.patient.pk) != request.POST.get("record", ""):
            continue
        actor = acting_for(record.patient)
        stands = next((one for one in (*record.stands, *record.before) if taken and str(one.pk) == taken), None)
        if stands is not None:
            agreed.withdraw(actor=actor, now=now, consent=stands)
            return
        # The words the button stood beside, whatever is asked by now.
        text = agreed.text_shown(clinic=record.patient.clinic, pk=given)
        if text is not None:
            try:
                agreed.give(actor=actor, now=now, patient=record.patient, text=text, source=Consent.Source.ACCOUNT)
            except agreed.NotTheirs as closed:  # joined or erased since the page was read
                raise Http404 from closed
            return
    raise Http404
