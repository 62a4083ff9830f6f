"""Requests of patients about their data: listed by due date, answered by the data protection officer.

Reception and managers see that a request is there and when it is due, since patients ask them how far it is. The words
of a request and of its answer are opened for who may answer only: they may be about the very person at the desk.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from audit import erasure
from audit.sealed import KeyDestroyed
from bookings import erasing, moments, rights
from bookings.admin.confined import ConfinedAdmin
from bookings.admin.reading import record_reads
from bookings.admin.shown import short, short_day
from bookings.forms.text import without_bidi
from bookings.models import DataRequest, User
from bookings.refusals import Refusal
from bookings.roles import staff_actor
from bookings.walls import zone_of

ANSWER: Final = "bookings.answer_datarequest"
ERASE: Final = "bookings.erase_patient"
_LONGEST: Final = {"answer": 2000, "refuse": 2000, "prolong": 500}
#: What destroying keys does not reach, in the reader's words (`audit.erasure.NOT_REACHED`).
NOT_REACHED: Final[dict[str, str | Promise]] = dict(
    zip(
        erasure.NOT_REACHED,
        (
            _("Logs of mail and SMS gateways, and messages already in a mailbox"),
            _("Printed day sheets and downtime sheets"),
            _("Exports already delivered"),
            _("Calendars of staff and patients outside Horae (they say Busy and carry no name)"),
            _("What people remember or wrote down elsewhere"),
        ),
        strict=True,
    )
)


class WaitingFilter(admin.SimpleListFilter):
    """What waits for an answer, unless something else is asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("closed", _("closed")), ("all", _("all"))]

    def choices(self, changelist: Any) -> Any:
        for value, title in [(None, _("open")), *self.lookup_choices]:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": self.value() == value, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[DataRequest]) -> QuerySet[DataRequest]:
        match self.value():
            case "all":
                return queryset
            case "closed":
                return queryset.exclude(state=DataRequest.State.OPEN)
        return queryset.filter(state=DataRequest.State.OPEN)


@admin.register(DataRequest)
class DataRequestAdmin(ConfinedAdmin[DataRequest]):
    """Requests in the person's clinics. No field is edited: each is answered, refused or prolonged."""

    list_display = ("patient", "kind", "received", "due", "left", "state")
    list_display_links = ("patient",)
    list_filter = (WaitingFilter, "kind")
    list_select_related = ("patient",)
    ordering = ("due_at", "id")
    sortable_by = ()
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[DataRequest]:
        return super().get_queryset(request).select_related("clinic", "patient", "asked_by")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        listed = (getattr(response, "context_data", None) or {}).get("cl")
        if listed is not None:
            record_reads(request=request, view="datarequest.list", patients=[row.patient for row in listed.result_list])
        return response

    @admin.display(description=_("received"))
    def received(self, wanted: DataRequest) -> str:
        """The day."""
        return short_day(wanted.received_at.date())

    @admin.display(description=_("due"))
    def due(self, wanted: DataRequest) -> str:
        """The last day."""
        return short_day(wanted.due_at.date())

    @admin.display(description=_("time left"))
    def left(self, wanted: DataRequest) -> str:
        """Days left, or that it is overdue, in words; nothing for what is closed."""
        return left(wanted, now=timezone.now()) or self.get_empty_value_display()

    # --- one request

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.erase_view)
        return [path("<uuid:request_id>/erase/", page, name="bookings_datarequest_erase"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What is asked and its clock; for who may answer, the words, and the ways to answer."""
        wanted = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, wanted):
            raise PermissionDenied
        if wanted is None:
            return cast(HttpResponse, cast(Any, self)._get_obj_does_not_exist_redirect(request, self.opts, object_id))
        answers = self.access(request).may(ANSWER, clinic_id=wanted.clinic_id)
        typed: dict[str, str] = {}
        if request.method == "POST":
            if not answers:
                raise PermissionDenied
            if self._done(request, wanted, typed):
                return HttpResponseRedirect(self._address(wanted))
        record_reads(request=request, view="datarequest.page", patients=[wanted.patient])
        now = timezone.now()
        erases = self.access(request).may(ERASE, clinic_id=wanted.clinic_id)
        is_open = wanted.state == DataRequest.State.OPEN
        return self._page(
            request,
            "request.html",
            title=capfirst(str(wanted.get_kind_display())),
            subtitle=wanted.patient.code,
            wanted=wanted,
            days=_days(wanted),
            left=left(wanted, now=now),
            words=_words(wanted) if answers else None,
            record=self.access(request).may("bookings.view_patient", clinic_id=wanted.clinic_id),
            typed=typed,
            answers=answers and is_open,
            prolongs=answers and rights.prolongable(wanted, now=now),
            erases=erases and is_open and wanted.kind == DataRequest.Kind.ERASURE,
            longest=_LONGEST,
        )

    def erase_view(self, request: HttpRequest, request_id: UUID) -> HttpResponse:
        """Say what is destroyed and what is not reached; erase once the patient's code is typed."""
        wanted = self.get_queryset(request).filter(pk=request_id).first()
        if wanted is None or wanted.kind != DataRequest.Kind.ERASURE:
            raise Http404
        if not self.access(request).may(ERASE, clinic_id=wanted.clinic_id):
            raise PermissionDenied
        now = timezone.now()
        if request.method == "POST" and self._erased(request, wanted, now=now):
            return HttpResponseRedirect(self._address(wanted))
        if wanted.state != DataRequest.State.OPEN:
            return HttpResponseRedirect(self._address(wanted))
        record_reads(request=request, view="datarequest.page", patients=[wanted.patient])
        return self._page(
            request,
            "erase.html",
            title=_("Erase this patient’s data"),
            subtitle=wanted.patient.code,
            wanted=wanted,
            visits=_ahead(wanted, now=now),
            cancels=self.access(request).may("bookings.cancel_appointment", clinic_id=wanted.clinic_id),
            not_reached=list(NOT_REACHED.values()),
            back=self._address(wanted),
        )

    def _done(self, request: HttpRequest, wanted: DataRequest, typed: dict[str, str]) -> bool:
        """Whether the one thing that was pressed is done; otherwise what was `typed` is kept and why not is said."""
        what = request.POST.get("do", "")
        if what not in _LONGEST:
            raise Http404
        words = without_bidi(request.POST.get("text", "")).replace("\r\n", "\n").replace("\x00", "")
        typed[what] = words
        if len(words) > _LONGEST[what]:
            messages.error(request, _("This is too long: at most %(count)d characters.") % {"count": _LONGEST[what]})
            return False
        actor = staff_actor(user=cast(User, request.user), clinic_id=wanted.clinic_id)
        given: dict[str, Any] = {"actor": actor, "now": timezone.now(), "request_id": wanted.pk}
        ways: dict[str, Callable[[], DataRequest]] = {
            "answer": lambda: rights.answer(**given, text=words),
            "refuse": lambda: rights.refuse(**given, text=words),
            "prolong": lambda: rights.prolong(**given, reason=words),
        }
        try:
            ways[what]()
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return False
        except KeyDestroyed:  # erased meanwhile
            messages.error(request, _("This patient’s data were erased."))
            return False
        messages.success(request, _("Saved. The patient reads it in their account."))
        return True

    def _erased(self, request: HttpRequest, wanted: DataRequest, *, now: datetime) -> bool:
        actor = staff_actor(user=cast(User, request.user), clinic_id=wanted.clinic_id)
        try:
            done = erasing.erase(actor=actor, now=now, request_id=wanted.pk, code=request.POST.get("code", ""))
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return False
        messages.success(request, _("Erased, under the reference “%(name)s”.") % {"name": done["reference"]})
        return True

    def _address(self, wanted: DataRequest) -> str:
        return reverse("admin:bookings_datarequest_change", args=[wanted.pk])

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/bookings/datarequest/{template}", {**shared, **context})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: DataRequest | None = None) -> bool:
        return False


def left(wanted: DataRequest, *, now: datetime) -> str:
    """How long is left to answer, in words; empty for what is closed."""
    if wanted.state != DataRequest.State.OPEN:
        return ""
    days = rights.days_left(wanted, now=now)
    if days < 0:
        said = ngettext("Overdue by %(days)d day", "Overdue by %(days)d days", -days)
        return said % {"days": -days}
    return ngettext("%(days)d day left", "%(days)d days left", days) % {"days": days}


def _ahead(wanted: DataRequest, *, now: datetime) -> list[tuple[str, str]]:
    """The address of each visit that stands in the way of erasure, and what it is."""
    rows = erasing.still_to_come(patient=wanted.patient, now=now).select_related("location", "service")
    return [
        (
            reverse("admin:bookings_appointment_change", args=[row.pk]),
            f"{short(row.start, zone=row.location.tz)} · {row.service}",
        )
        for row in rows.order_by("start")
    ]


def _days(wanted: DataRequest) -> dict[str, str]:
    zone = zone_of(clinic_id=wanted.clinic_id)
    moments_of = {name: getattr(wanted, name) for name in ("received_at", "due_at", "extended_at", "answered_at")}
    return {name: moments.day(one.astimezone(zone).date()) if one else "" for name, one in moments_of.items()}


def _words(wanted: DataRequest) -> dict[str, str]:
    """What was asked and answered; that it cannot be read any more, after an erasure."""
    found: dict[str, str] = {}
    for name in ("text", "extension", "answer"):
        try:
            found[name] = getattr(wanted, name)
        except KeyDestroyed:
            found[name] = str(_("no longer readable"))
    return found
