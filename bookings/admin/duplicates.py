"""Two records that may be of one patient: side by side, joined or told apart."""

import contextlib
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.sealed import KeyDestroyed
from bookings import duplicates, merging
from bookings.admin.confined import ConfinedAdmin
from bookings.admin.reading import record_reads
from bookings.admin.shown import short, short_day
from bookings.models import Appointment, Patient, PossibleDuplicate, User
from bookings.refusals import Refusal
from bookings.roles import staff_actor

State = PossibleDuplicate.State


class UnsettledFilter(admin.SimpleListFilter):
    """What is to be looked at, unless something else is asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("settled", _("settled")), ("all", _("all"))]

    def choices(self, changelist: Any) -> Any:
        for value, title in [(None, _("to be looked at")), *self.lookup_choices]:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": self.value() == value, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[PossibleDuplicate]) -> QuerySet[PossibleDuplicate]:
        match self.value():
            case "all":
                return queryset
            case "settled":
                return queryset.exclude(state=State.OPEN)
        return queryset.filter(state=State.OPEN)


@admin.register(PossibleDuplicate)
class PossibleDuplicateAdmin(ConfinedAdmin[PossibleDuplicate]):
    """Tasks of the person's clinics. The list names codes only; names stand where looking is recorded."""

    list_display = ("patient", "other", "since", "state")
    list_display_links = ("patient",)
    list_filter = (UnsettledFilter,)
    list_select_related = ("patient", "other")
    ordering = ("-created", "-id")
    sortable_by = ()
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[PossibleDuplicate]:
        return super().get_queryset(request).select_related("clinic", "patient", "other")

    @admin.display(description=_("since"))
    def since(self, task: PossibleDuplicate) -> str:
        """The day the newer record was made."""
        return short_day(task.created.date())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Both records side by side, and two buttons."""
        task = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, task):
            raise PermissionDenied
        if task is None:
            return cast(HttpResponse, cast(Any, self)._get_obj_does_not_exist_redirect(request, self.opts, object_id))
        if request.method == "POST":
            if not self.may(request, "change", task):
                raise PermissionDenied
            if self._settled(request, task):
                return HttpResponseRedirect(reverse("admin:bookings_possibleduplicate_changelist"))
            task.refresh_from_db()
        both = (task.other, task.patient)
        record_reads(request=request, view="possibleduplicate.page", patients=both)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Is this one patient?"),
            "task": task,
            "records": [_shown(patient) for patient in both],
            "settles": task.state == State.OPEN and self.may(request, "change", task),
        }
        return TemplateResponse(request, "admin/bookings/possibleduplicate/compare.html", context)

    def _settled(self, request: HttpRequest, task: PossibleDuplicate) -> bool:
        """Whether what was pressed is done; otherwise why not is said."""
        actor = staff_actor(user=cast(User, request.user), clinic_id=task.clinic_id)
        now = timezone.now()
        try:
            match request.POST.get("do"):
                case "apart":
                    duplicates.tell_apart(actor=actor, now=now, duplicate_id=task.pk)
                    messages.success(request, _("They stay two patients."))
                case "join":
                    keep, gone = self._which(request, task)
                    if task.state != State.OPEN:
                        raise duplicates.AlreadySettled
                    merging.join(actor=actor, now=now, keep=keep, gone=gone)
                    messages.success(request, _("The two records are one: %(code)s.") % {"code": keep.code})
                case _other:
                    raise Http404
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return False
        return True

    def _which(self, request: HttpRequest, task: PossibleDuplicate) -> tuple[Patient, Patient]:
        """The record to keep, and the one to go. Raises Http404 for any other."""
        pair = {str(task.patient_id): (task.patient, task.other), str(task.other_id): (task.other, task.patient)}
        chosen = pair.get(request.POST.get("keep", ""))
        if chosen is None:
            raise Http404
        return chosen

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PossibleDuplicate | None = None) -> bool:
        return False


def _shown(patient: Patient) -> dict[str, Any]:
    """One record for comparison; without its words when it is erased."""
    visits = Appointment.objects.filter(patient=patient).exclude(status="entered-in-error")
    latest = visits.select_related("location", "service").order_by("-start")[:3]
    found: dict[str, Any] = {
        "patient": patient,
        "created": short_day(patient.created.date()),
        "count": visits.count(),
        "latest": [f"{short(one.start, zone=one.location.tz)} · {one.service}" for one in latest],
    }
    with contextlib.suppress(KeyDestroyed):
        found |= {
            "name": patient.full_name,
            "birth_date": patient.birth_date,
            "email": patient.email,
            "phone": patient.phone,
            "people": [one.name for one in patient.related_persons.select_related("patient")],
        }
    return found
