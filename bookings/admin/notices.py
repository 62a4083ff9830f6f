"""What needs a person's eye, and the codes that were sent."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from audit.sealed import KeyDestroyed
from bookings.admin.confined import ConfinedAdmin
from bookings.models import ContactChallenge, Notice, User
from bookings.notices import resolve_notice
from bookings.roles import staff_actor


class OpenFilter(admin.SimpleListFilter):
    """Open notices first; the resolved ones are asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("resolved", _("resolved")), ("all", _("all"))]

    def choices(self, changelist: Any) -> Any:
        chosen = self.value()
        for value, title in [(None, _("open")), *self.lookup_choices]:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": chosen == value, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() != "resolved")


@admin.register(Notice)
class NoticeAdmin(ConfinedAdmin[Notice]):
    """Something staff should look at; they say when it is settled."""

    list_display = ("kind", "practitioner", "appointment", "created", "resolved_at")
    list_filter = (OpenFilter, "kind")
    list_select_related = ("practitioner", "appointment")
    fields = readonly_fields = ("clinic", "kind", "practitioner", "appointment", "created", "resolved_at")
    actions = ("resolve",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return False

    @admin.action(description=_("Mark as settled"), permissions=["change"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        """Close each notice chosen that is still open and in a clinic where the person may."""
        settled = 0
        for notice in queryset.select_related(None):
            if not self.has_change_permission(request, notice):
                self.message_user(
                    request, _("%(notice)s You may not settle this one.") % {"notice": notice}, messages.ERROR
                )
                continue
            settled += resolve_notice(
                actor=staff_actor(user=cast(User, request.user), clinic_id=notice.clinic_id),
                now=timezone.now(),
                clinic_id=notice.clinic_id,
                kind=Notice.Kind(notice.kind),
                practitioner_id=notice.practitioner_id,
                appointment_id=notice.appointment_id,
            )
        said = ngettext("%(count)d notice is settled.", "%(count)d notices are settled.", settled)
        self.message_user(request, said % {"count": settled}, messages.SUCCESS if settled else messages.WARNING)


@admin.register(ContactChallenge)
class ContactChallengeAdmin(ConfinedAdmin[ContactChallenge]):
    """Codes that were sent: when and why, never the code, and of the contact only what tells it from another."""

    list_display = ("created", "purpose", "contact_hint", "tries_left", "proved_at", "expires_at")
    list_filter = ("purpose",)
    fields = readonly_fields = (
        "clinic",
        "created",
        "purpose",
        "contact_hint",
        "language",
        "tries_left",
        "proved_at",
        "expires_at",
    )
    ordering = ("-created",)
    date_hierarchy = "created"

    @admin.display(description=_("sent to"))
    def contact_hint(self, challenge: ContactChallenge) -> str:
        """First letters of the address and of its domain: enough to tell two apart, too little to know either."""
        try:
            local, _at, domain = challenge.contact.partition("@")
        except KeyDestroyed:
            return self.get_empty_value_display()
        return f"{local[:1]}…@{domain[:1]}…" if domain else f"…{local[-2:]}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ContactChallenge | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ContactChallenge | None = None) -> bool:
        return False
