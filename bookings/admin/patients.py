"""Patients: found by a search over sealed values, shown to whoever may, and every look recorded."""

from typing import Any, Final, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bookings import moments, patients, registration
from bookings.admin.confined import ConfinedAdmin, ConfinedInline, records_of
from bookings.admin.consents import ConsentDesk, all_of, said_of
from bookings.admin.patient_form import PatientForm
from bookings.admin.reading import ReadRecorded
from bookings.admin.shown import short, short_day
from bookings.models import Appointment, Patient, PatientIdentifier, RelatedPerson, User
from bookings.refusals import Refusal
from bookings.roles import staff_actor

LATEST: Final = 20
#: What the page writes beside what `registration` does: how the clinic keeps the patient, not who they are.
KEPT_HERE: Final = ("known_since", "remind", "confidential", "safe_contact")


class RelatedPersonInline(ConfinedInline[RelatedPerson, Patient]):
    """People who act for the patient."""

    model = RelatedPerson
    fields = ("name", "relationship", "authority", "email", "phone", "valid_until")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RelatedPerson]:
        return super().get_queryset(request).select_related("patient")


class PatientIdentifierInline(ConfinedInline[PatientIdentifier, Patient]):
    """What other systems call the patient."""

    model = PatientIdentifier
    fields = ("system", "value")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PatientIdentifier]:
        return super().get_queryset(request).select_related("patient")


class Hits(ChangeList):
    """The hits of a search, sorted by name in memory; nothing before one was made."""

    def get_results(self, request: HttpRequest) -> None:
        page = cast("PatientAdmin", self.model_admin)
        found = page.hits(request, self.query)
        self.result_list = found
        self.result_count = len(found)
        self.full_result_count = len(found)
        self.show_full_result_count = False
        self.show_admin_actions = False
        self.can_show_all = True
        self.multi_page = False
        self.paginator = Paginator(found, patients.MOST_HITS)


@admin.register(Patient)
class PatientAdmin(ReadRecorded[Patient], ConfinedAdmin[Patient]):
    """Patients of the person's clinics."""

    form = PatientForm
    change_list_template = "admin/bookings/patient/change_list.html"
    change_form_template = "admin/bookings/patient/change_form.html"
    list_display = ("name", "born", "code", "reached_by", "last_changed")
    list_display_links = ("name",)
    sortable_by = ()
    search_fields = ("code",)  # opens the search box; the search itself is `hits`
    search_help_text = _("Part of a name, an e-mail address, a phone number, a birth date, or the patient’s code.")
    fieldsets = (
        (None, {"fields": ("clinic", "family_name", "given_name", "birth_date", "known_since", "code")}),
        (_("How to reach them"), {"fields": ("phone", "email", "language", "safe_contact", "confidential")}),
        (_("What they agreed to"), {"fields": ("remind", "consents_shown")}),
        (_("Appointments"), {"fields": ("appointments",)}),
    )
    readonly_fields = ("code", "born", "appointments", "consents_shown", "joined_to", "erased_at")
    inlines = (RelatedPersonInline, PatientIdentifierInline)

    def get_urls(self) -> list[URLPattern]:
        """Django's pages, and that of consents."""
        page = self.admin_site.admin_view(ConsentDesk(self.admin_site).page)
        return [path("<int:patient_id>/consents/", page, name="bookings_patient_consents"), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Hits

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "most_hits": patients.MOST_HITS})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        may_book = self.access(request).may("bookings.add_appointment")
        try:
            return super().changeform_view(
                request, object_id, form_url, {**(extra_context or {}), "may_book": may_book}
            )
        except Refusal as refusal:  # joined or erased while the page was open: the page says which
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.path)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = kwargs.get("obj")
        looks = records_of(request, row, q=row.code) if row is not None else ""
        return super().render_change_form(request, {**context, "looks": looks}, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Nothing: sealed names cannot be searched by the database. `Hits` asks the index instead."""
        return queryset.none(), False

    def hits(self, request: HttpRequest, query: str) -> list[Patient]:
        """At most 200 patients matching every word, by name; a code is found too. Empty for an empty query."""
        words = query.strip()[:200]
        if not words:
            return []
        mine = self.get_queryset(request)
        by_code = list(mine.filter(code=words.upper()))
        if by_code:
            return by_code
        clinics = self.access(request).clinics("bookings.view_patient", "bookings.change_patient")
        return patients.search(clinic_ids=sorted(clinics), query=words)

    def get_fieldsets(self, request: HttpRequest, obj: Patient | None = None) -> Any:
        given = super().get_fieldsets(request, obj)
        if obj is None:
            return [(None, {"fields": ("clinic", "family_name", "given_name", "birth_date", "known_since")}), given[1]]
        if obj.is_closed:
            return [(None, {"fields": ("code", "joined_to", "erased_at")})]
        if self.has_change_permission(request, obj):
            return given
        return [
            (title, {**options, "fields": ["born" if name == "birth_date" else name for name in options["fields"]]})
            for title, options in given
        ]

    def get_inlines(self, request: HttpRequest, obj: Patient | None) -> Any:
        return () if obj is None or obj.is_closed else self.inlines

    @admin.display(description=_("joined to"))
    def joined_to(self, patient: Patient) -> str | SafeString:
        """The record that everything of this one stands in now."""
        kept = patient.merged_into
        if kept is None:
            return self.get_empty_value_display()
        return format_html('<a href="{}">{}</a>', reverse("admin:bookings_patient_change", args=[kept.pk]), kept.code)

    @admin.display(description=_("name"))
    def name(self, patient: Patient) -> str:
        """Family name first, as people look it up."""
        return ", ".join(part for part in (patient.family_name, patient.given_name) if part)

    @admin.display(description=_("birth date"))
    def born(self, patient: Patient) -> str:
        """Written out, or a dash."""
        return moments.born(patient.birth_date) or self.get_empty_value_display()

    @admin.display(description=_("reached by"))
    def reached_by(self, patient: Patient) -> str:
        """Phone or else e-mail."""
        return patient.phone or patient.email or self.get_empty_value_display()

    @admin.display(description=_("last changed"))
    def last_changed(self, patient: Patient) -> str:
        """The day on which something about the patient was last written."""
        return short_day(patient.updated.date())

    @admin.display(description=_("consents"))
    def consents_shown(self, patient: Patient) -> str | SafeString:
        """What stands and what was taken back, with the way to the page where the desk writes either down."""
        lines = format_html_join("", "<li>{}</li>", ((said_of(consent),) for consent in all_of(patient)))
        listed = format_html('<ul class="visits">{}</ul>', lines) if lines else str(_("None yet."))
        url = reverse("admin:bookings_patient_consents", args=[patient.pk])
        return format_html('{}<p><a href="{}">{}</a></p>', listed, url, _("Write down a yes or a no"))

    @admin.display(description=_("latest"))
    def appointments(self, patient: Patient) -> str | SafeString:
        """The latest appointments, newest first, with links."""
        rows = (
            Appointment.objects.filter(patient=patient)
            .exclude(status="entered-in-error")
            .select_related("service", "practitioner", "location")
            .order_by("-start")[:LATEST]
        )
        lines = format_html_join(
            "",
            '<li><a href="{}">{}</a> · {} · {} · {}</li>',
            (
                (
                    reverse("admin:bookings_appointment_change", args=[row.pk]),
                    short(row.start, zone=row.location.tz),
                    row.service,
                    row.practitioner,
                    row.get_status_display(),
                )
                for row in rows
            ),
        )
        return format_html('<ul class="visits">{}</ul>', lines) if lines else str(_("None yet."))

    def save_model(self, request: HttpRequest, obj: Patient, form: Any, change: bool) -> None:
        actor = staff_actor(user=cast(User, request.user), clinic_id=obj.clinic_id)
        if change:
            kept = [name for name in KEPT_HERE if name in form.changed_data]
            registration._correct(actor=actor, patient=obj, kept=kept)
            return
        made = registration._admit(
            actor=actor,
            now=timezone.now(),
            clinic=obj.clinic,
            given_name=obj.given_name,
            family_name=obj.family_name,
            birth_date=obj.birth_date,
            email=obj.email,
            phone=obj.phone,
            language=obj.language,
        )
        obj.pk, obj.code, obj.key_id, obj._state.adding = made.pk, made.code, made.key_id, False
        if obj.known_since is not None:
            obj.save(update_fields=["known_since"])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the people who act for the patient, who are found by the same search."""
        super().save_related(request, form, formsets, change)
        if any(formset.model is RelatedPerson and formset.has_changed() for formset in formsets):
            patient = form.instance
            actor = staff_actor(user=cast(User, request.user), clinic_id=patient.clinic_id)
            registration._reindex(actor=actor, patient=patient)

    def has_change_permission(self, request: HttpRequest, obj: Patient | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or not obj.is_closed)

    def has_delete_permission(self, request: HttpRequest, obj: Patient | None = None) -> bool:
        return False
