"""What an appointment's page says about its practitioner's calendars."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import moments
from calendars.models import Block, CalendarConnection
from calendars.providers import sentence_of


class CalendarsPanel:
    """One line per calendar."""

    title = gettext_lazy("Calendars")

    def lines(self, appointment_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
        """See `bookings.panels.AppointmentPanel`. Who joined a session is told of the session's entry."""
        found: dict[UUID, list[str]] = {}
        blocks = (
            Block.objects.filter(Q(appointment__in=appointment_ids) | Q(session__appointments__in=appointment_ids))
            .annotate(shown_at=Coalesce("appointment", "session__appointments"))
            .select_related("appointment__location", "session__location", "connection__health")
        )
        for block in blocks.order_by("created"):
            if block.shown_at in appointment_ids:
                found.setdefault(block.shown_at, []).append(_line(block))
        return found


def _line(block: Block) -> str:
    waiting = block.state in (Block.State.PLANNED, Block.State.CLAIMED)
    if block.state == Block.State.SUPERSEDED:
        return _("Not written: the appointment was over.")
    if block.state == Block.State.FAILED:
        return _("Failed. %(why)s") % {"why": sentence_of(block.last_error)}
    if waiting and block.connection.state == CalendarConnection.State.PAUSED:
        return _("Waiting: the calendar is paused.")
    health = getattr(block.connection, "health", None)
    error = block.last_error or (health.last_error if health is not None else "")
    if waiting and error:
        return _("Waiting. %(why)s") % {"why": sentence_of(error)}
    if waiting:
        return _("About to be written.")
    written = block.pushed_at
    shown = {"time": moments.moment(written, zone=block.visit.location.tz) if written else "–"}
    if block.desired == Block.Desired.GONE:
        return _("Taken out of the calendar, %(time)s") % shown
    return _("In the calendar as “Busy”, %(time)s") % shown
