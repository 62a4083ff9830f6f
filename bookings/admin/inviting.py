"""Inviting somebody to an appointment: a second practitioner, a related person, an interpreter, a colleague."""

from typing import Any, Final, cast
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import moments, participants
from bookings.admin.reading import record_reads
from bookings.admin.sheet import patient_name, way_back
from bookings.forms.text import PersonNameField
from bookings.models import Appointment, Participant, Practitioner, RelatedPerson, User
from bookings.refusals import Refusal
from bookings.roles import access_of, staff_actor

INVITE: Final = "bookings.add_participant"


class InviteForm(forms.Form):
    """Whom to invite, and where they are written to."""

    role = forms.ChoiceField(label=_("part"), choices=Participant.Role.choices)
    practitioner = forms.ModelChoiceField(
        Practitioner.objects.none(), label=_("second practitioner"), required=False, empty_label=_("nobody")
    )
    related_person = forms.ModelChoiceField(
        RelatedPerson.objects.none(), label=_("related person"), required=False, empty_label=_("nobody")
    )
    name = PersonNameField(
        label=_("name"),
        max_length=240,
        required=False,
        help_text=_("Of an interpreter, a colleague, or somebody not in the list."),
    )
    email = forms.EmailField(label=_("E-mail"), max_length=254, required=False)
    language = forms.ChoiceField(label=_("Language of our messages"), choices=settings.LANGUAGES)
    required = forms.BooleanField(label=_("must be there"), required=False)

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleagues = Practitioner.objects.filter(clinic=appointment.clinic_id, active=True)
        related = RelatedPerson.objects.filter(patient=appointment.patient_id).select_related("patient")
        for name, rows in (
            ("practitioner", colleagues.exclude(pk=appointment.practitioner_id)),
            ("related_person", related),
        ):
            cast("forms.ModelChoiceField[Any]", self.fields[name]).queryset = rows
        for name in ("name", "email"):
            self.fields[name].widget.attrs["autocomplete"] = "off"

    def clean(self) -> dict[str, Any]:
        """Only a second practitioner is chosen from the practitioners; everybody else has a name."""
        said = super().clean() or self.cleaned_data
        if said.get("role") == Participant.Role.PRACTITIONER:
            said["name"], said["related_person"] = "", None
            if said.get("practitioner") is None:
                self.add_error("practitioner", _("Say who it is."))
        else:
            said["practitioner"] = None
            if said.get("role") != Participant.Role.RELATED_PERSON:
                said["related_person"] = None
            if not said.get("name") and said.get("related_person") is None and "name" not in self.errors:
                self.add_error("name", _("Say who it is."))
        return said


class Inviting:
    """The page at /admin/bookings/appointment/<id>/invite/."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def page(self, request: HttpRequest, appointment_id: UUID) -> HttpResponse:
        """Ask whom (GET), invite (POST). Raises Http404 for what is none of the person's, and for somebody erased."""
        rows = Appointment.objects.filter(clinic__in=access_of(request.user).clinics(INVITE))
        appointment = rows.select_related("patient", "location", "service", "practitioner").filter(pk=appointment_id)
        row = appointment.first()
        if row is None or row.patient.is_closed:
            raise Http404
        posted = request.POST if request.method == "POST" else None
        form = InviteForm(posted, initial={"language": row.language}, appointment=row)
        back = way_back("page", appointment_id=row.pk)
        if posted is not None and form.is_valid():
            try:
                invited = participants.invite(
                    actor=staff_actor(user=cast(User, request.user), clinic_id=row.clinic_id),
                    now=timezone.now(),
                    appointment_id=row.pk,
                    **form.cleaned_data,
                )
            except Refusal as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, _("Invited: %(part)s.") % {"part": invited.get_role_display()})
                return HttpResponseRedirect(back)
        record_reads(request=request, view="appointment.invite", patients=[row.patient])
        return TemplateResponse(
            request,
            "admin/bookings/appointment/invite.html",
            {
                **self.site.each_context(request),
                "title": _("Invite somebody"),
                "opts": Appointment._meta,
                "appointment": row,
                "name": patient_name(row),
                "before": moments.moment(row.start, zone=row.location.tz),
                "form": form,
                "back": back,
            },
        )
