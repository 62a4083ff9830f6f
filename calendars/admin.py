"""Practitioners' calendars in the admin: connect one, test it, pause it, and see how it answers."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from bookings import moments
from bookings.admin.confined import ClinicFilter, ConfinedAdmin
from bookings.models import User
from bookings.refusals import Refusal
from bookings.roles import staff_actor
from calendars import connections
from calendars.forms import ConnectionForm
from calendars.models import Block, CalendarConnection
from calendars.providers import sentence_of

_WAITING = Q(blocks__state__in=(Block.State.PLANNED, Block.State.CLAIMED))
_FAILED = Q(blocks__state=Block.State.FAILED)


@admin.register(CalendarConnection)
class CalendarConnectionAdmin(ConfinedAdmin[CalendarConnection]):
    """Calendars of the clinic's practitioners. A calendar at another address is another connection."""

    form = ConnectionForm
    change_form_template = "admin/calendars/calendarconnection/change_form.html"
    list_display = ("practitioner", "host", "state", "last_answer", "waiting", "failed", "trouble")
    list_filter = ("state", ("practitioner", ClinicFilter))
    list_select_related = ("practitioner", "health")
    sortable_by = ()
    actions = ("test", "pause", "resume", "forget")
    fieldsets = (
        (None, {"fields": ("clinic", "practitioner", "url", "username", "password")}),
        (_("How it answers"), {"fields": ("state", "last_answer", "trouble", "waiting", "failed")}),
    )
    readonly_fields = ("state", "last_answer", "trouble", "waiting", "failed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CalendarConnection]:
        rows = super().get_queryset(request).select_related("practitioner", "health")
        return rows.annotate(
            waiting_blocks=Count("blocks", filter=_WAITING), failed_blocks=Count("blocks", filter=_FAILED)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: CalendarConnection | None = None) -> list[str]:
        given = [str(name) for name in super().get_readonly_fields(request, obj)]
        return given if obj is None else [*given, "practitioner", "url"]

    def get_fieldsets(self, request: HttpRequest, obj: CalendarConnection | None = None) -> Any:
        """A new connection has nothing to say yet; somebody who may only look is shown no field of credentials."""
        first, answers = self.fieldsets
        if obj is None:
            return (first,)
        named = ("practitioner", "url", "username", "password")
        shown = named if self.has_change_permission(request, obj) else named[:2]
        return ((None, {"fields": (*(("clinic",) if self.sees_clinics(request) else ()), *shown)}), answers)

    # --- what is shown

    @admin.display(description=_("server"))
    def host(self, connection: CalendarConnection) -> str:
        """The host, which is what residency is about; the path often names a person."""
        return connection.url.split("/")[2]

    @admin.display(description=_("last answer"))
    def last_answer(self, connection: CalendarConnection) -> str:
        """When it last did what was asked."""
        health = getattr(connection, "health", None)
        if health is None or health.last_success is None:
            return self.get_empty_value_display()
        return f"{moments.day(health.last_success.date())}, {health.last_success:%H:%M} UTC"

    @admin.display(description=_("trouble"))
    def trouble(self, connection: CalendarConnection) -> str:
        """What is wrong, and what to do."""
        health = getattr(connection, "health", None)
        return sentence_of(health.last_error) if health is not None else ""

    @admin.display(description=_("waiting"))
    def waiting(self, connection: CalendarConnection) -> int:
        """Entries still to be written."""
        return cast(int, getattr(connection, "waiting_blocks", 0))

    @admin.display(description=_("failed"))
    def failed(self, connection: CalendarConnection) -> int:
        """Entries that need a person."""
        return cast(int, getattr(connection, "failed_blocks", 0))

    # --- what can be done

    def save_model(self, request: HttpRequest, obj: CalendarConnection, form: ConnectionForm, change: bool) -> None:
        """Connect, or replace the credentials; nothing else can be edited."""
        actor = staff_actor(user=cast(User, request.user), clinic_id=obj.clinic_id)
        if not change:
            connections._add(actor=actor, connection=obj)
        elif form.new_credentials:
            connections._change_credentials(
                actor=actor,
                connection=obj,
                username=form.cleaned_data["username"],
                password=form.cleaned_data["password"],
            )

    def get_urls(self) -> list[URLPattern]:
        """Django's pages, and the button."""
        test = path("<path:object_id>/test/", self.admin_site.admin_view(self.test_view), name="calendars_test")
        return [test, *super().get_urls()]

    @method_decorator(require_POST)
    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Call the calendar once and say how it answered."""
        connection = self.get_object(request, unquote(object_id))
        if connection is None:
            raise Http404
        if not self.has_change_permission(request, connection):
            raise PermissionDenied
        self._test(request, connection)
        return HttpResponseRedirect(reverse("admin:calendars_calendarconnection_change", args=[connection.pk]))

    def _test(self, request: HttpRequest, connection: CalendarConnection) -> None:
        actor = staff_actor(user=cast(User, request.user), clinic_id=connection.clinic_id)
        error = connections.probe(actor=actor, now=timezone.now(), connection_id=connection.pk)
        if error is None:
            self.message_user(
                request, f"{connection}: {_('the calendar answers and can be written.')}", messages.SUCCESS
            )
        else:
            self.message_user(request, f"{connection}: {error.sentence}", messages.ERROR)

    @admin.action(description=_("Test the connection"), permissions=["change"])
    def test(self, request: HttpRequest, queryset: QuerySet[CalendarConnection]) -> None:
        """Call each calendar chosen."""
        for connection in self._changeable(request, queryset):
            self._test(request, connection)

    @admin.action(description=_("Pause: write nothing until resumed"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[CalendarConnection]) -> None:
        """See `connections.pause`."""
        self._each(request, queryset, connections.pause)

    @admin.action(description=_("Resume, and write what failed again"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[CalendarConnection]) -> None:
        """See `connections.resume`."""
        self._each(request, queryset, connections.resume, now=timezone.now())

    @admin.action(description=_("Forget user name and password"), permissions=["change"])
    def forget(self, request: HttpRequest, queryset: QuerySet[CalendarConnection]) -> None:
        """See `connections.forget`."""
        self._each(request, queryset, connections.forget)

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[CalendarConnection],
        take: Callable[..., None],
        **more: Any,
    ) -> None:
        for connection in self._changeable(request, queryset):
            actor = staff_actor(user=cast(User, request.user), clinic_id=connection.clinic_id)
            try:
                take(actor=actor, connection_id=connection.pk, **more)
            except Refusal as refusal:
                self.message_user(request, f"{connection}: {refusal}", messages.ERROR)
            else:
                self.message_user(request, f"{connection}: {_('done.')}", messages.SUCCESS)

    def _changeable(self, request: HttpRequest, queryset: QuerySet[CalendarConnection]) -> list[CalendarConnection]:
        """Those of the rows chosen that the person may change; the others are named."""
        allowed = []
        for connection in queryset:
            if self.has_change_permission(request, connection):
                allowed.append(connection)
            else:
                said = _("you may not do this in this clinic.")
                self.message_user(request, f"{connection}: {said}", messages.ERROR)
        return allowed

    def has_delete_permission(self, request: HttpRequest, obj: CalendarConnection | None = None) -> bool:
        return False
