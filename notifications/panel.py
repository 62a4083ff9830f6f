"""What an appointment's page says about its messages."""

from collections.abc import Sequence
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import moments
from notifications.models import Message, State


class MessagesPanel:
    """One line per message, oldest first."""

    title = gettext_lazy("Messages")

    def lines(self, appointment_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
        """See `bookings.panels.AppointmentPanel`."""
        found: dict[UUID, list[str]] = {}
        messages = Message.objects.filter(appointment_id__in=appointment_ids).select_related("appointment__location")
        for message in messages.order_by("planned_for", "created"):
            assert message.appointment is not None
            zone = message.appointment.location.tz
            shown = {
                "kind": message.get_kind_display(),
                "channel": message.get_channel_display(),
                "state": message.get_state_display(),
                "time": moments.moment(message.handed_over_at or message.next_try, zone=zone),
                "error": message.last_error,
            }
            if message.state == State.PLANNED and message.last_error:
                line = _("%(kind)s by %(channel)s: tried in vain (%(error)s), next try %(time)s") % shown
            elif message.state == State.FAILED:
                line = _("%(kind)s by %(channel)s: %(state)s (%(error)s)") % shown
            elif message.state == State.SUPERSEDED:
                line = _("%(kind)s by %(channel)s: %(state)s") % shown
            else:
                line = _("%(kind)s by %(channel)s: %(state)s, %(time)s") % shown
            found.setdefault(message.appointment.pk, []).append(line)
        return found
