"""What checks of the evidence found, as auditors read it: how each kind stands, and every kept report."""

from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import access
from audit.models.verifications import Kind, Outcome, Verification
from audit.verify import kept, routine
from audit.verify.report import Report
from audit.verify.run import trusted
from audit.verify.shown import shown
from audit.verify.trust import Trust

M = TypeVar("M", bound=models.Model)


class ReadingAdmin(admin.ModelAdmin[M]):
    """Nothing is added, changed or deleted here, and nothing counted that would have to be read for it."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Called by what is listed, not by what might be done with it."""
        titled = {"title": capfirst(str(self.opts.verbose_name_plural)), **(extra_context or {})}
        return super().changelist_view(request, titled)

    def has_module_permission(self, request: HttpRequest) -> bool:
        reader = access.reader_of(request.user)
        return reader.operator or bool(reader.chains)

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Check:
    """One line of how the checks stand."""

    kind: Any
    row: Verification | None
    overdue: bool
    says: Any
    wrong: bool


class VerificationAdmin(ReadingAdmin[Verification]):
    """Whoever may read evidence sees that it was checked; what was found, as far as it is about their chains."""

    list_display = ("ended_at", "kind", "level", "scope", "outcome")
    list_filter = ("kind", "outcome")
    ordering = ("-ended_at",)
    sortable_by = ()
    fields = readonly_fields = ("kind", "level", "scope", "started_at", "ended_at", "signed", "told")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Verification]:
        return super().get_queryset(request).defer("body", "statement")  # a list shows none of it, and it may be long

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        trust = _trust()
        checks = [
            *(_check(one.kind, one.last, overdue=one.overdue, trust=trust) for one in _standing()),
            _check(Kind.BY_HAND, kept.latest().get(Kind.BY_HAND), overdue=False, trust=trust),
        ]
        return super().changelist_view(request, {**(extra_context or {}), "checks": checks})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Verification | None:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            row._reader = access.reader_of(request.user)  # type: ignore[attr-defined]
        return row

    @admin.display(description=_("signature"))
    def signed(self, row: Verification) -> str:
        """Whether this is the report that was signed."""
        try:
            kept.read(row, trust=_trust())
        except kept.Unsigned:
            return gettext("There was no key to sign it with.")
        except kept.Altered as error:
            return gettext("It does not hold: %(reason)s.") % {"reason": error}
        return gettext("It holds.")

    @admin.display(description=_("report"))
    def told(self, row: Verification) -> str | SafeString:
        """The report in the reader's language, if it is the one that was signed."""
        try:
            said = kept.read(row, trust=_trust())
        except kept.Unsigned:
            said = kept.unsigned(row)
        except kept.Altered:
            return gettext("This is not the report that was signed. Nothing in it can be relied on.")
        reader = getattr(row, "_reader", access.NOBODY)
        return format_html('<pre class="record">{}</pre>', shown(kept.told(said), reader=reader).as_text(gettext))


def _standing() -> list[routine.Standing]:
    return routine.standing(now=timezone.now())


def _trust() -> Trust:
    return trusted(Report(at=timezone.now()))


def _check(kind: Kind, row: Verification | None, *, overdue: bool, trust: Trust) -> Check:
    if row is None:
        return Check(kind.label, None, overdue, "–", wrong=False)
    try:
        kept.read(row, trust=trust)
    except kept.Unsigned:
        pass
    except kept.Altered:
        return Check(kind.label, row, overdue, gettext("not the report that was signed"), wrong=True)
    outcome = Outcome(row.outcome)
    return Check(kind.label, row, overdue, outcome.label, wrong=outcome is not Outcome.HOLDS)
