"""What is held about the account's holder, and who looked.

Only for records that are the holder's own. An account that acts for somebody sees a sentence instead: see
`bookings.held` for why.
"""

from django.http import Http404, HttpRequest, HttpResponse

from bookings import looked
from bookings.held import readable
from bookings.views.account.holding import Holder, account_page, holder_only
from bookings.views.methods import allow


@allow("GET")
@holder_only
def held(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Everything that is held, by what it is held for."""
    records = [(patient, readable(patient=patient)) for patient in holder.own]
    return account_page(request, "rights/held.html", holder=holder, current="data", records=records, acts=holder.acts)


@allow("GET")
@holder_only
def looks(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Who looked, by day, newest first."""
    found = looked.seen(clinic=holder.clinic, patients=holder.own, before=_before(request))
    return account_page(
        request,
        "rights/looks.html",
        holder=holder,
        current="data",
        found=found,
        own=holder.own,
        acts=holder.acts,
    )


def _before(request: HttpRequest) -> int | None:
    given = request.GET.get("before", "")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise Http404
    return int(given)
