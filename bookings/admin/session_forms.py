"""What is typed about a group session: a plan, and how many places it has."""

from datetime import datetime
from typing import Any, Final, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bookings.admin.closures import WallTimeField
from bookings.closures import SkippedTime, instant_of
from bookings.models import HealthcareService, Location, Practitioner
from bookings.recurrence import MOST, rule

MOST_WEEKS: Final = 8
MOST_PLACES: Final = 1000


class PlanForm(forms.Form):
    """One session, or the same every so many weeks, in the location's own time."""

    service = forms.ModelChoiceField(HealthcareService.objects.none(), label=_("service"), empty_label=_("choose"))
    location = forms.ModelChoiceField(Location.objects.none(), label=_("location"), empty_label=_("choose"))
    practitioner = forms.ModelChoiceField(Practitioner.objects.none(), label=_("practitioner"), empty_label=_("choose"))
    start = WallTimeField(label=_("start"), help_text=_("In the location's own time."))
    capacity = forms.IntegerField(
        label=_("places"),
        required=False,
        min_value=1,
        max_value=MOST_PLACES,
        help_text=_("Empty for as many as the service has."),
    )
    times = forms.IntegerField(
        label=_("how many sessions"), min_value=1, max_value=MOST, initial=1, help_text=_("1 for a single one.")
    )
    weeks = forms.IntegerField(
        label=_("weeks from one to the next"), min_value=1, max_value=MOST_WEEKS, initial=1, required=False
    )

    def __init__(self, data: Any = None, *, clinics: frozenset[int] | None) -> None:
        """`clinics` are those in which the person may plan; None for all."""
        super().__init__(data)
        rows: dict[str, QuerySet[Any]] = {
            "service": HealthcareService.objects.filter(active=True, capacity__isnull=False).order_by("name"),
            "location": Location.objects.filter(active=True).order_by("name"),
            "practitioner": Practitioner.objects.filter(active=True).order_by("name"),
        }
        for name, theirs in rows.items():
            field = cast("forms.ModelChoiceField[Any]", self.fields[name])
            field.queryset = theirs if clinics is None else theirs.filter(clinic__in=clinics)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        service, location = cleaned.get("service"), cleaned.get("location")
        for name in ("location", "practitioner"):
            other = cleaned.get(name)
            if service is not None and other is not None and other.clinic_id != service.clinic_id:
                self.add_error(name, forms.ValidationError(_("Choose one of the same clinic."), code="other_clinic"))
        if location is not None and "start" in cleaned:
            try:
                cleaned["start"] = instant_of(cast(datetime, cleaned["start"]), zone=location.tz, last=False)
            except SkippedTime as skipped:
                self.add_error("start", str(skipped))
        return cleaned

    @property
    def rrule(self) -> str:
        """How it repeats; empty for a single session. Call after `is_valid`."""
        times: int = self.cleaned_data["times"]
        return rule(frequency="WEEKLY", interval=self.cleaned_data["weeks"] or 1, count=times) if times > 1 else ""


class PlacesForm(forms.Form):
    """How many places a session has."""

    capacity = forms.IntegerField(label=_("places"), min_value=1, max_value=MOST_PLACES)
