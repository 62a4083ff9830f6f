"""Messages as staff see them: what was owed, what became of it, once more when that is wanted. Nothing is edited."""

from collections.abc import Iterable
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bookings import moments
from bookings.admin.confined import ConfinedAdmin
from bookings.admin.reading import ReadRecorded, record_reads
from bookings.models import User
from bookings.refusals import Refusal
from bookings.roles import staff_actor
from notifications.models import Message
from notifications.sending import resend

RESEND = "notifications.resend_message"


@admin.register(Message)
class MessageAdmin(ReadRecorded[Message], ConfinedAdmin[Message]):
    """Messages about appointments of the person's clinics, the latest first."""

    list_display = ("planned", "kind", "about", "channel", "state", "sent", "last_error")
    list_filter = ("state", "kind")
    list_select_related = ("appointment__location", "appointment__patient", "request__patient", "clinic")
    date_hierarchy = "planned_for"
    sortable_by = ("planned", "state")
    fields = readonly_fields = (
        *("clinic", "kind", "about", "channel", "planned", "state", "sent", "attempts", "next_try", "last_error", "id"),
    )
    actions = ("resend",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    @admin.display(description=_("planned for"), ordering="planned_for")
    def planned(self, message: Message) -> str:
        """On the clock of the appointment's location; a code, which has none, in UTC."""
        return self._moment(message, "planned_for")

    @admin.display(description=_("sent"))
    def sent(self, message: Message) -> str:
        """When the mail server took it."""
        return self._moment(message, "handed_over_at")

    @admin.display(description=_("appointment"))
    def about(self, message: Message) -> str | SafeString:
        """The appointment and the patient's code; of a request about data the patient's code; a code is about none."""
        appointment = message.appointment
        if message.request is not None:
            return format_html('<span class="code">{}</span>', message.request.patient.code)
        if appointment is None:
            return self.get_empty_value_display()
        url = reverse("admin:bookings_appointment_change", args=[appointment.pk])
        when = moments.moment(appointment.start, zone=appointment.location.tz)
        return format_html('<a href="{}">{}</a> <span class="code">{}</span>', url, when, appointment.patient.code)

    def _moment(self, message: Message, name: str) -> str:
        value = getattr(message, name)
        if value is None:
            return self.get_empty_value_display()
        if message.appointment is None:
            return f"{value:%Y-%m-%d %H:%M} UTC"
        return moments.moment(value, zone=message.appointment.location.tz)

    @admin.action(description=_("Send once more"), permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Owe each message chosen once more; each that cannot be is named, with why."""
        done = 0
        for message in queryset:
            if not self.access(request).may(RESEND, clinic_id=message.clinic_id):
                self.message_user(request, f"{message}: {_('you may not do this in this clinic.')}", messages.ERROR)
                continue
            actor = staff_actor(user=cast(User, request.user), clinic_id=message.clinic_id)
            try:
                resend(actor=actor, now=timezone.now(), message_id=message.pk)
            except Refusal as refusal:
                self.message_user(request, f"{message}: {refusal}", messages.ERROR)
            else:
                done += 1
        if done:
            said = ngettext("%(count)d message is sent once more.", "%(count)d messages are sent once more.", done)
            self.message_user(request, said % {"count": done}, messages.SUCCESS)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Whether anything may be sent again anywhere; asked again for each message."""
        return self.access(request).may(RESEND)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def _record(self, request: HttpRequest, what: str, rows: Iterable[Any]) -> None:
        about = [row.appointment or row.request for row in rows if row is not None]
        shown = [one.patient for one in about if one is not None]
        record_reads(request=request, view=f"message.{what}", patients=shown)
