"""Read records: who was shown which patients, in which view.

One record per actor, view and set of patients in fifteen minutes, and one more for whoever enters the view meanwhile,
so that a board which is reloaded all day stays evidence and does not fill locked storage.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from audit.context import Actor, note, use
from audit.models.reads import ReadWindow

WINDOW: Final = timedelta(minutes=15)
EVENT: Final = "read"


def record(*, actor: Actor, now: datetime, chain: str, view: str, patients: Collection[str]) -> tuple[str, ...]:
    """Record that `actor` is being shown these patients (pseudonymous codes) in `view`; returns the newly recorded.

    Call it before the page is answered: a view that cannot be recorded is not shown, because this raises. Costs one
    query when everybody on the page was recorded in the last fifteen minutes.
    """
    if not patients:
        return ()
    who = f"{actor.kind}:{actor.id}"
    seen = ReadWindow.objects.filter(actor=who, chain=chain, view=view).first()
    if seen is not None and not _unrecorded(seen, now=now, patients=patients):
        return ()
    with transaction.atomic(), use(f"read.{view}", operation=EVENT, actor=actor):
        window, _made = ReadWindow.objects.select_for_update().get_or_create(
            actor=who, chain=chain, view=view, defaults={"began_at": now, "patients": []}
        )
        fresh = _unrecorded(window, now=now, patients=patients)
        if not fresh:
            return ()
        if _over(window, now=now):
            window.began_at, window.patients = now, []
        window.patients = sorted({*window.patients, *fresh})
        window.save()
        note(chain=chain, event=EVENT, data={"view": view, "patients": list(fresh)})
    return fresh


def _over(window: ReadWindow, *, now: datetime) -> bool:
    return not window.began_at <= now < window.began_at + WINDOW


def _unrecorded(window: ReadWindow, *, now: datetime, patients: Collection[str]) -> tuple[str, ...]:
    known = set() if _over(window, now=now) else set(window.patients)
    return tuple(sorted(set(patients) - known))
