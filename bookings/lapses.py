"""What lapses: forms left unfinished and codes grown old go, with the keys that were only theirs."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from audit.context import use_case
from audit.keys import keyring
from bookings import proof
from bookings.models import CodeQuota, ContactChallenge, Draft, Patient

CODES_KEPT: Final = timedelta(days=1)
MOST_AT_ONCE: Final = 500


def sweep(*, now: datetime) -> int:
    """Delete drafts past their life and codes older than a day, with the keys that were only theirs. Returns how
    many went."""
    gone = total = _some(now=now)
    while gone:
        gone = _some(now=now)
        total += gone
    return total


@transaction.atomic(durable=True)
@use_case("lapses.sweep", operation="delete")
def _some(*, now: datetime) -> int:
    """One transaction's worth of the sweep."""
    lapsed = list(Draft.objects.select_for_update(skip_locked=True).filter(expires_at__lte=now)[:MOST_AT_ONCE])
    codes = list(
        ContactChallenge.objects.select_for_update(skip_locked=True).filter(created__lte=now - CODES_KEPT)[
            :MOST_AT_ONCE
        ]
    )
    keys = {draft.key_id for draft in lapsed}
    adopted = set(Patient.objects.filter(key_id__in=keys).values_list("key_id", flat=True))
    asked = {code.key_id for code in codes if code.purpose in proof.OWN_KEY}
    Draft.objects.filter(pk__in=[draft.pk for draft in lapsed]).delete()
    ContactChallenge.objects.filter(pk__in=[code.pk for code in codes]).delete()
    CodeQuota.objects.filter(sent_at__lt=now - proof.WINDOW).delete()
    keyring.destroy_subject_keys(key_ids=sorted(keys - adopted | asked))
    return len(lapsed) + len(codes)
