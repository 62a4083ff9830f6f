"""The words consents are asked in, and the page where the desk writes down what a patient said."""

from typing import Any, Final, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Max, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.sealed import KeyDestroyed
from bookings import consents
from bookings.admin.confined import ConfinedAdmin
from bookings.admin.reading import record_reads
from bookings.admin.shown import short_day
from bookings.models import Consent, ConsentText, Patient, RelatedPerson, User
from bookings.refusals import Refusal
from bookings.roles import access_of, staff_actor

GIVE: Final = "bookings.add_consent"
WITHDRAW: Final = "bookings.change_consent"
WRITE: Final = "bookings.add_consenttext"
#: A consent may be looked at where the patient's own page may.
LOOK: Final = ("bookings.view_patient", "bookings.change_patient")


@admin.register(ConsentText)
class ConsentTextAdmin(ConfinedAdmin[ConsentText]):
    """The words a consent is asked in. A version is never changed: who agreed to which one is evidence."""

    list_display = ("purpose", "version", "language", "created")
    list_filter = ("purpose", "language")
    fields = ("clinic", "purpose", "version", "language", "body", "created")
    readonly_fields = ("created",)

    def get_fields(self, request: HttpRequest, obj: ConsentText | None = None) -> list[Any]:
        given = list(super().get_fields(request, obj))
        return given if obj else [name for name in given if name != "created"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest | None, **kwargs: Any) -> Any:
        """A sentence or two, with what having such words means."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "body":
            field.widget = forms.Textarea(attrs={"rows": 3, "maxlength": 500})
            field.help_text = _(
                "What the patient says yes to. Once a clinic has words for reminders, only who said yes is reminded."
            )
        return field

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The next version of the only clinic."""
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        theirs = self.their_clinics(request)
        if len(theirs) == 1:
            newest = ConsentText.objects.filter(clinic=theirs[0]).aggregate(newest=Max("version"))["newest"]
            initial.setdefault("version", (newest or 0) + 1)
        return initial

    def has_change_permission(self, request: HttpRequest, obj: ConsentText | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ConsentText | None = None) -> bool:
        return False


class SaidForm(forms.Form):
    """Who says yes, when it is not the patient."""

    given_by = forms.ModelChoiceField(
        RelatedPerson.objects.none(), label=_("who says so"), required=False, empty_label=_("the patient")
    )

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        related = RelatedPerson.objects.filter(patient=patient).select_related("patient")
        cast("forms.ModelChoiceField[RelatedPerson]", self.fields["given_by"]).queryset = related


class ConsentDesk:
    """The page at /admin/bookings/patient/<id>/consents/."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def page(self, request: HttpRequest, patient_id: int) -> HttpResponse:
        """What was said so far, and what can be written down (GET); writing it down (POST). Raises Http404 for a
        patient of other clinics and for a closed record."""
        clinics = access_of(request.user).clinics(*LOOK)
        patient = Patient.objects.select_related("clinic").filter(pk=patient_id, clinic__in=clinics).first()
        if patient is None or patient.is_closed:
            raise Http404
        form = SaidForm(request.POST if request.method == "POST" else None, patient=patient)
        if request.method == "POST" and form.is_valid():
            self._write(request, patient=patient, given_by=form.cleaned_data["given_by"])
            return HttpResponseRedirect(request.path)
        record_reads(request=request, view="patient.consents", patients=[patient])
        may = access_of(request.user).may
        return TemplateResponse(
            request,
            "admin/bookings/patient/consents.html",
            {
                **self.site.each_context(request),
                "title": _("What they agreed to"),
                "opts": Patient._meta,
                "patient": patient,
                "form": form,
                "stands": [(one, said_of(one)) for one in consents.standing(patient)],
                "before": [said_of(one) for one in all_of(patient) if one.withdrawn_at is not None],
                "asked": consents.asked(clinic=patient.clinic, language=patient.language, patient=patient),
                "may_give": may(GIVE, clinic_id=patient.clinic_id),
                "may_withdraw": may(WITHDRAW, clinic_id=patient.clinic_id),
                "words": may(WRITE, clinic_id=patient.clinic_id) and reverse("admin:bookings_consenttext_add"),
                "back": reverse("admin:bookings_patient_change", args=[patient.pk]),
            },
        )

    def _write(self, request: HttpRequest, *, patient: Patient, given_by: RelatedPerson | None) -> None:
        """One of the page's buttons. Raises Http404 for what it does not offer."""
        may = access_of(request.user).may
        actor = staff_actor(user=cast(User, request.user), clinic_id=patient.clinic_id)
        now = timezone.now()
        if (given := request.POST.get("give", "")) and may(GIVE, clinic_id=patient.clinic_id):
            offered = consents.asked(clinic=patient.clinic, language=patient.language, patient=patient)
            text = next((ask.text for ask in offered if str(ask.text.pk) == given), None)
            if text is None:
                raise Http404
            try:
                consents.give(
                    actor=actor, now=now, patient=patient, text=text, source=Consent.Source.DESK, given_by=given_by
                )
            except Refusal as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, _("Written down: they agreed."))
        elif (taken := request.POST.get("withdraw", "")) and may(WITHDRAW, clinic_id=patient.clinic_id):
            stands = next((one for one in consents.standing(patient) if str(one.pk) == taken), None)
            if stands is None:
                raise Http404
            consents.withdraw(actor=actor, now=now, consent=stands)
            messages.success(request, _("Written down: they take it back."))
        else:
            raise Http404


def all_of(patient: Patient) -> QuerySet[Consent]:
    """Every consent of a patient, the newest first."""
    rows = Consent.objects.filter(patient=patient).select_related("text", "given_by__patient")
    return rows.order_by("-given_at", "-pk")


def said_of(consent: Consent) -> str:
    """A consent in a line: for what, when, where, by whom, in which words, and until when."""
    said = [
        f"{consent.get_purpose_display()}: {consent.text}",
        f"{short_day(consent.given_at.date())}, {consent.get_source_display()}",
    ]
    if consent.given_by is not None:
        said.append(str(_("by %(name)s") % {"name": _name(consent.given_by)}))
    if consent.withdrawn_at is not None:
        said.append(str(_("taken back %(day)s") % {"day": short_day(consent.withdrawn_at.date())}))
    return " · ".join(said)


def _name(person: RelatedPerson) -> str:
    try:
        return person.name
    except KeyDestroyed:
        return person.get_relationship_display()
