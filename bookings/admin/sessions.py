"""Group sessions: listed, planned, given more or fewer places, called off. Each through its use case."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bookings import moments, sessions, status
from bookings.admin.confined import ClinicFilter, ConfinedAdmin
from bookings.admin.reading import record_reads
from bookings.admin.session_forms import PlacesForm, PlanForm
from bookings.admin.shown import short
from bookings.admin.steps import REASONS
from bookings.availability import Wish, choose
from bookings.models import Appointment, AppointmentStatus, GroupSession, Occupancy, User
from bookings.recurrence import occurrences
from bookings.refusals import Refusal
from bookings.roles import staff_actor


class ComingFilter(admin.SimpleListFilter):
    """What is to come, unless something else is asked for."""

    title = _("when")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("past", _("past")), ("all", _("all"))]

    def choices(self, changelist: Any) -> Any:
        for value, title in [(None, _("to come")), *self.lookup_choices]:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": self.value() == value, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[GroupSession]) -> QuerySet[GroupSession]:
        now = timezone.now()
        match self.value():
            case "all":
                return queryset
            case "past":
                return queryset.filter(end__lte=now)
        return queryset.filter(end__gt=now)


@admin.register(GroupSession)
class GroupSessionAdmin(ConfinedAdmin[GroupSession]):
    """Sessions of the person's clinics. No field is edited; a session that was called off stays to be seen."""

    list_display = ("when", "service", "practitioner", "location", "places", "state")
    list_display_links = ("when",)
    list_filter = (
        ComingFilter,
        ("service", ClinicFilter),
        ("location", ClinicFilter),
        ("practitioner", ClinicFilter),
    )
    list_select_related = ("service", "practitioner", "location")
    sortable_by = ("when",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[GroupSession]:
        """With how many of the places are taken: joined, or held by somebody who is about to."""
        seat = Q(occupancies__kind=Occupancy.Kind.SEAT)
        here = Q(occupancies__appointment__isnull=False) | Q(occupancies__hold__expires_at__gt=timezone.now())
        rows = super().get_queryset(request).annotate(taken=Count("occupancies", filter=seat & here))
        return rows.select_related("clinic", "service", "practitioner", "location", "room", "device")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """What is to come from the next on, what is past from the last on."""
        return ("-start", "id") if request.GET.get(ComingFilter.parameter_name) in ("past", "all") else ("start", "id")

    @admin.display(description=_("when"), ordering="start")
    def when(self, session: GroupSession) -> str:
        """Day and time on the location's clock."""
        return short(session.start, zone=session.location.tz)

    @admin.display(description=_("places taken"))
    def places(self, session: GroupSession) -> str:
        """Such as `3 of 8`."""
        return _taken(session)

    @admin.display(description=_("state"))
    def state(self, session: GroupSession) -> str:
        """That it was called off, or else nothing worth saying."""
        return self.get_empty_value_display() if session.cancelled_at is None else str(_("called off"))

    # --- planning

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Plan one session or several: all, or none."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        permission = self.permission("add")
        access = self.access(request)
        form = PlanForm(
            request.POST if request.method == "POST" else None,
            clinics=None if access.everywhere(permission) else access.clinics(permission),
        )
        if form.is_bound and form.is_valid():
            wanted = form.cleaned_data
            now = timezone.now()
            try:
                planned = sessions.plan(
                    actor=staff_actor(user=cast(User, request.user), clinic_id=wanted["service"].clinic_id),
                    now=now,
                    service=wanted["service"],
                    location=wanted["location"],
                    practitioner=wanted["practitioner"],
                    start=wanted["start"],
                    capacity=wanted["capacity"],
                    rrule=form.rrule,
                )
            except Refusal as refusal:
                messages.error(request, str(refusal))
                for line in _in_the_way(form, now=now):
                    messages.error(request, line)
            else:
                count = len(planned)
                said = ngettext("%(count)d session is planned.", "%(count)d sessions are planned.", count)
                messages.success(request, said % {"count": count})
                return HttpResponseRedirect(reverse("admin:bookings_groupsession_changelist"))
        return self._page(request, "plan.html", title=_("Plan group sessions"), form=form)

    # --- one session

    def get_urls(self) -> list[URLPattern]:
        off = self.admin_site.admin_view(self.call_off_view)
        return [path("<uuid:session_id>/call-off/", off, name="bookings_groupsession_call_off"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The session, who has joined, and how many places it has, which can be changed here."""
        session = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, session):
            raise PermissionDenied
        if session is None:
            return cast(HttpResponse, cast(Any, self)._get_obj_does_not_exist_redirect(request, self.opts, object_id))
        now = timezone.now()
        may = self.may(request, "change", session)
        form = PlacesForm(request.POST if request.method == "POST" else None, initial={"capacity": session.capacity})
        if form.is_bound:
            if not may:
                raise PermissionDenied
            if form.is_valid():
                try:
                    sessions.resize(
                        actor=staff_actor(user=cast(User, request.user), clinic_id=session.clinic_id),
                        now=now,
                        session_id=session.pk,
                        capacity=form.cleaned_data["capacity"],
                    )
                except Refusal as refusal:
                    messages.error(request, str(refusal))
                else:
                    messages.success(request, _("The number of places is changed."))
                    return HttpResponseRedirect(self._address(session))
        sees = self.access(request).may("bookings.view_appointment", clinic_id=session.clinic_id)
        joined = list(_joined(session)) if sees else []
        record_reads(request=request, view="groupsession.page", patients=[one.patient for one in joined])
        return self._page(
            request,
            "session.html",
            session=session,
            title=short(session.start, zone=session.location.tz),
            subtitle=session.service.name,
            moment=moments.moment(session.start, zone=session.location.tz),
            ends=moments.clock(session.end, zone=session.location.tz),
            taken=_taken(session),
            called_off=short(session.cancelled_at, zone=session.location.tz) if session.cancelled_at else "",
            sees=sees,
            joined=joined,
            form=form if may and session.cancelled_at is None and session.start > now else None,
            may_call_off=may and session.cancelled_at is None,
        )

    def call_off_view(self, request: HttpRequest, session_id: UUID) -> HttpResponse:
        """Ask once more, with how many people are told; then call it off."""
        session = self.get_object(request, str(session_id))
        if session is None:
            raise Http404
        if not self.may(request, "change", session):
            raise PermissionDenied
        if session.cancelled_at is not None:
            return HttpResponseRedirect(self._address(session))
        if request.method == "POST":
            if request.POST.get("reason", "") in REASONS:
                return self._call_off(request, session)
            messages.error(request, _("Say why, please."))
        told = sum(status.may_follow(before=one.status, after=AppointmentStatus.CANCELLED) for one in _joined(session))
        return self._page(
            request,
            "call_off.html",
            title=_("Call off a group session"),
            session=session,
            moment=moments.moment(session.start, zone=session.location.tz),
            told=told,
            reasons=REASONS.items(),
            back=self._address(session),
        )

    def _call_off(self, request: HttpRequest, session: GroupSession) -> HttpResponse:
        try:
            told = sessions.call_off(
                actor=staff_actor(user=cast(User, request.user), clinic_id=session.clinic_id),
                now=timezone.now(),
                session_id=session.pk,
                reason=request.POST["reason"],
            )
        except Refusal as refusal:
            messages.error(request, str(refusal))
        else:
            said = ngettext(
                "The session is called off, and %(count)d person is told.",
                "The session is called off, and %(count)d people are told.",
                len(told),
            )
            messages.success(request, said % {"count": len(told)})
        return HttpResponseRedirect(self._address(session))

    def _address(self, session: GroupSession) -> str:
        return reverse("admin:bookings_groupsession_change", args=[session.pk])

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/bookings/groupsession/{template}", {**shared, **context})

    def has_delete_permission(self, request: HttpRequest, obj: GroupSession | None = None) -> bool:
        return False


def _taken(session: GroupSession) -> str:
    taken: int = session.taken  # type: ignore[attr-defined]  # annotated in get_queryset
    return str(_("%(taken)d of %(places)d") % {"taken": taken, "places": session.capacity})


def _joined(session: GroupSession) -> QuerySet[Appointment]:
    """Everybody who has a place, or had one until it was cancelled."""
    rows = Appointment.objects.filter(session=session).exclude(status=AppointmentStatus.ENTERED_IN_ERROR)
    return rows.select_related("patient").order_by(F("created"), "pk")


def _in_the_way(form: PlanForm, *, now: datetime) -> Iterator[str]:
    """Of several sessions, those that cannot be, each with why: a courtesy, after the plan as a whole was refused."""
    wanted = form.cleaned_data
    if not form.rrule:
        return
    place = wanted["location"]
    for one in occurrences(rrule=form.rrule, start=wanted["start"], zone=place.tz):
        wish = Wish(
            service=wanted["service"],
            location=place,
            practitioner=wanted["practitioner"],
            start=one.start,
            online=False,
            planned=True,
        )
        try:
            choose(wish=wish, now=now)
        except Refusal as refusal:
            yield f"{short(one.start, zone=place.tz)}: {refusal}"
