"""What a caller wants: service, place, person, day and what changes length or room, read from the address."""

from collections.abc import Collection, Iterable
from datetime import date
from functools import cached_property
from typing import Any, Final, cast

from django import forms
from django.db.models import QuerySet
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext_lazy as _

from bookings import moments
from bookings.availability import Asking, Narrowed, PartOfDay, asked_by
from bookings.models import (
    Appointment,
    Clinic,
    Coverage,
    HealthcareService,
    Location,
    Need,
    Practitioner,
    Standing,
    VisitKind,
)

#: Days that can be asked for.
FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2200, 1, 1)
_PARTS: Final = (
    ("", _("any")),
    (PartOfDay.MORNING.value, _("Morning")),
    (PartOfDay.AFTERNOON.value, _("Afternoon")),
    (PartOfDay.EVENING.value, _("Evening")),
)


class NarrowForm(forms.Form):
    """Where, with whom and when, in the address: what narrows a search for free times."""

    location = forms.ModelChoiceField(
        Location.objects.none(), label=_("location"), required=False, empty_label=_("any")
    )
    practitioner = forms.ModelChoiceField(
        Practitioner.objects.none(), label=_("practitioner"), required=False, empty_label=_("anyone")
    )
    since = forms.DateField(
        label=_("from"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    part = forms.ChoiceField(label=_("part of day"), required=False, choices=_PARTS)
    language = forms.ChoiceField(label=_("language spoken"), required=False)
    weekday = forms.MultipleChoiceField(
        label=_("weekdays"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(str(number), name) for number, name in WEEKDAYS_ABBR.items()],
    )

    first: tuple[str, ...] = ("location", "practitioner", "since")
    """Fields that stand in sight; the others are folded away."""

    def __init__(self, given: QueryDict, *, clinic: Clinic, today: date, **defaults: Any) -> None:
        data = given.copy()
        for name, value in {"since": today.isoformat(), **defaults}.items():
            if not data.get(name):
                data[name] = value
        super().__init__(data, auto_id="wish_%s")
        self.today = today
        self.whose = clinic
        self.confine("location", Location.objects.filter(clinic=clinic, active=True))
        self.confine("practitioner", Practitioner.objects.filter(clinic=clinic, active=True))
        cast(forms.ChoiceField, self.fields["language"]).choices = [("", _("any")), *self._spoken()]

    def confine(self, name: str, rows: QuerySet[Any]) -> None:
        """Offer these rows, and accept no others."""
        cast("forms.ModelChoiceField[Any]", self.fields[name]).queryset = rows

    def clean_since(self) -> date:
        """A day that calendars of people know; otherwise today."""
        asked: date | None = self.cleaned_data["since"]
        return asked if asked is not None and FIRST_DAY <= asked <= LAST_DAY else self.today

    @cached_property
    def locations(self) -> dict[int, Location]:
        """The clinic's locations in use, by id."""
        return {row.pk: row for row in Location.objects.filter(clinic=self.whose, active=True)}

    @cached_property
    def people(self) -> dict[int, Practitioner]:
        """The clinic's practitioners in use, by id."""
        return {row.pk: row for row in Practitioner.objects.filter(clinic=self.whose, active=True)}

    @property
    def since_day(self) -> date:
        """The first day to be shown."""
        return cast(date, self.cleaned_data.get("since") or self.today)

    def narrowed(self, *, moved: Collection[Appointment] = ()) -> Narrowed:
        """The same as availability takes it. Call after `is_valid`."""
        said = self.cleaned_data
        return Narrowed(
            location=said.get("location"),
            practitioner=said.get("practitioner"),
            language=said.get("language") or "",
            weekdays=frozenset(int(day) for day in said.get("weekday") or ()),
            part=PartOfDay(said["part"]) if said.get("part") else None,
            moved=moved,
        )

    @property
    def in_sight(self) -> list[BoundField]:
        """The fields of the usual case."""
        return [self[name] for name in self.first if name in self.shown and not self[name].is_hidden]

    @property
    def folded(self) -> list[BoundField]:
        """The other fields, one value each."""
        return [field for field in self._rest() if not isinstance(field.field, forms.MultipleChoiceField)]

    @property
    def ticked(self) -> list[BoundField]:
        """The other fields that are lists of boxes."""
        return [field for field in self._rest() if isinstance(field.field, forms.MultipleChoiceField)]

    @property
    def unfolded(self) -> bool:
        """Whether something in the folded fields was said, or was said wrong."""
        return any(self.data.get(field.name) or field.errors for field in self._rest())

    @property
    def shown(self) -> list[str]:
        """Names of the fields that matter."""
        return list(self.fields)

    def _rest(self) -> Iterable[BoundField]:
        return (self[name] for name in self.shown if name not in self.first and not self[name].is_hidden)

    def _spoken(self) -> list[tuple[str, str]]:
        codes = sorted({code for person in self.people.values() for code in person.languages.split()})
        names = moments.reader().languages
        return [(code, names.get(code, code)) for code in codes]


class WishForm(NarrowForm):
    """What a caller wants, in the address: of the person it says only what changes the visit."""

    clinic = forms.ModelChoiceField(Clinic.objects.none(), label=_("clinic"), empty_label=None)
    service = forms.ModelChoiceField(
        HealthcareService.objects.none(), label=_("service"), required=False, empty_label=_("choose")
    )
    kind = forms.ChoiceField(label=_("how people meet"), required=False, choices=VisitKind.choices)
    standing = forms.ChoiceField(
        label=_("new or known"), required=False, choices=[("", _("not said")), *Standing.choices]
    )
    coverage = forms.ChoiceField(label=_("who pays"), required=False, choices=[("", _("not said")), *Coverage.choices])
    referral = forms.BooleanField(label=_("has a referral"), required=False)
    needs = forms.MultipleChoiceField(
        label=_("needs"), required=False, widget=forms.CheckboxSelectMultiple, choices=Need.choices
    )
    then = forms.ModelChoiceField(
        HealthcareService.objects.none(), label=_("and then"), required=False, empty_label=_("nothing more")
    )

    first = ("clinic", "service", "location", "practitioner", "since")

    def __init__(
        self, given: QueryDict, *, clinics: QuerySet[Clinic], clinic: Clinic, today: date, **defaults: Any
    ) -> None:
        super().__init__(given, clinic=clinic, today=today, **defaults)
        cast(QueryDict, self.data)["clinic"] = str(clinic.pk)
        services = HealthcareService.objects.filter(clinic=clinic, active=True)
        self.confine("clinic", clinics)
        self.confine("service", services.prefetch_related("terms"))
        self.confine("then", services.prefetch_related("terms"))
        self.order_fields([*self.first, "kind", "standing", "coverage", "referral", "part", "language", "then"])
        if len(clinics) == 1:
            self.fields["clinic"].widget = forms.HiddenInput()

    def full_clean(self) -> None:
        """Clean; then offer only the ways in which this service is given."""
        super().full_clean()
        if self.chosen_service is not None:
            kinds = [(value, label) for value, label in VisitKind.choices if value in self.chosen_service.kinds]
            cast(forms.ChoiceField, self.fields["kind"]).choices = kinds

    @property
    def chosen_service(self) -> HealthcareService | None:
        """The service chosen, with its terms."""
        found: HealthcareService | None = getattr(self, "cleaned_data", {}).get("service")
        return found

    @property
    def services(self) -> list[HealthcareService]:
        """The service chosen, and the one right after it."""
        return [row for row in (self.chosen_service, self.cleaned_data.get("then")) if row is not None]

    @property
    def asking(self) -> Asking:
        """What was said, as availability takes it; a way in which the service is not given counts as not said."""
        said, kinds = self.cleaned_data, self.chosen_service.kinds if self.chosen_service else []
        kind = self.data.get("kind")
        usual = VisitKind.ON_SITE.value if VisitKind.ON_SITE in kinds or not kinds else kinds[0]
        return Asking(
            standing=said.get("standing") or "",
            coverage=said.get("coverage") or "",
            referral=bool(said.get("referral")),
            kind=kind if kind in kinds else usual,
            needs=frozenset(said.get("needs") or ()),
        )

    @property
    def shown(self) -> list[str]:
        """Of what may be said about the patient only what changes something for the services chosen, and the needs."""
        matters = {"clinic", "service", "location", "practitioner", "since", "part", "language", "weekday"}
        if self.chosen_service is not None:
            matters |= {"needs", "then"}
            matters |= {name for row in self.services for name in asked_by(row.terms.all())}
            matters |= {"kind"} if len(self.chosen_service.kinds) > 1 else set()
            matters |= {"referral"} if any(row.referral_needed for row in self.services) else set()
        return [name for name in self.fields if name in matters]

    @property
    def unfolded(self) -> bool:
        """Also while an answer matters that nobody has given."""
        return super().unfolded or any(name in self.shown for name in ("kind", "standing", "coverage", "referral"))
