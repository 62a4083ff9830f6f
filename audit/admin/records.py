"""The evidence as auditors read it: records, segments and parked records, never changed here; findings acknowledged."""

import json
from datetime import UTC
from typing import Any, TypeVar, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import BooleanField, Case, QuerySet, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from audit import access, findings, looks
from audit.admin.narrowing import ChainFilter, FindingFilter, ModelFilter
from audit.models import ParkedRecord, Record, Verification
from audit.models.records import FINDINGS, Capture
from audit.models.segments import Segment
from audit.paging import BoundedPaginator
from audit.told import told
from audit.verify.admin import ReadingAdmin, VerificationAdmin

M = TypeVar("M", bound=models.Model)
admin.site.register(Verification, VerificationAdmin)


class EvidenceAdmin(ReadingAdmin[M]):
    """Reading only, and only the chains the person may read."""

    paginator = BoundedPaginator
    list_per_page = 50
    list_filter = cast(Any, (ChainFilter,))
    actions_on_top = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        rows = super().get_queryset(request)
        reader = access.reader_of(request.user)
        return rows if reader.operator else rows.filter(chain__in=reader.chains)


class AcknowledgeForm(forms.Form):
    """Why a finding came about, in the words of whoever looked into it."""

    reason = forms.CharField(
        label=_("What happened, and who looked into it"),
        help_text=_("Kept with the evidence for years. Name no patient."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


@admin.register(Record)
class RecordAdmin(EvidenceAdmin[Record]):
    """One line of a chain; what it says is shown to whoever may read that chain."""

    change_form_template = "admin/audit/record/change_form.html"
    list_display = ("number", "written", "about", "operation", "capture")
    list_display_links = ("number",)
    list_filter = (ChainFilter, FindingFilter, "capture", ModelFilter)
    search_fields = ("object_pk__exact", "operation__exact")
    search_help_text = _("The id of a thing, an operation such as cancel, or a patient’s code: who looked.")
    ordering = ("-seq",)
    sortable_by = ()
    fields = readonly_fields = (
        "told",
        "chain",
        "seq",
        "written",
        "model",
        "object_pk",
        "operation",
        "capture",
        "retention",
        "leaf_hex",
        "line",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Record]:
        """Each row knows whether the person reads what it says (`_is_open`)."""
        chains = access.open_chains(access.reader_of(request.user))
        is_open = Case(When(chain__in=chains, then=True), default=False, output_field=BooleanField())
        return super().get_queryset(request).annotate(is_open=is_open)

    @admin.display(description=_("number"))
    def number(self, record: Record) -> int:
        """The record's place in its chain."""
        return record.seq

    @admin.display(description=_("at (UTC)"))
    def written(self, record: Record) -> str:
        """The record's time to the microsecond, as its line has it."""
        return record.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%fZ")

    @admin.display(description=_("about"))
    def about(self, record: Record) -> str:
        """The thing that changed, by the beginning of its id; of a look, the page and how many patients it showed, to
        whoever reads what this chain says."""
        if record.model:
            return f"{record.model.rpartition('.')[2]} {record.object_pk[:8]}"
        look = looks.shown_by(record) if _is_open(record) else None
        if look is None:
            return record.object_pk or self.get_empty_value_display()
        view, count = look
        return f"{view} · {ngettext('%(count)d patient', '%(count)d patients', count) % {'count': count}}"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A patient's code finds the looks at them; anything else what it is equal to."""
        found = looks.showing(queryset.filter(is_open=True), codes=[search_term.strip().upper()])
        if search_term and found.exists():
            return found, False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description=_("leaf hash"))
    def leaf_hex(self, record: Record) -> str:
        """SHA-256 of the line, as it stands in the Merkle tree."""
        return bytes(record.leaf).hex()

    @admin.display(description=_("in short"))
    def told(self, record: Record) -> str | SafeString:
        """Who did what and what for, and each value that changed; sealed values stay sealed."""
        if not _is_open(record):
            return self.get_empty_value_display()
        return render_to_string("admin/audit/record/_told.html", {"told": told(json.loads(record.body))})

    @admin.display(description=_("record"))
    def line(self, record: Record) -> str | SafeString:
        """The record, laid out for reading; sealed values stay sealed."""
        if not _is_open(record):
            return str(_("Only whoever has a role in this clinic reads what its records say."))
        return format_html(
            '<pre class="record">{}</pre>', json.dumps(json.loads(record.body), indent=2, ensure_ascii=False)
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        record = self.get_object(request, object_id) if object_id else None
        given = {**(extra_context or {}), "may_acknowledge": record is not None and self._open_finding(request, record)}
        return super().changeform_view(request, object_id, form_url, given)

    def get_urls(self) -> list[URLPattern]:
        acknowledge = self.admin_site.admin_view(self.acknowledge)
        return [
            path("<uuid:object_id>/acknowledge/", acknowledge, name="audit_record_acknowledge"),
            *super().get_urls(),
        ]

    def acknowledge(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Say that a finding is known and why it came about. It stays in the chain, and so does this.

        Raises Http404 for a record the person cannot read, PermissionDenied when they may not acknowledge it.
        """
        record = self.get_object(request, str(object_id))
        if record is None:
            raise Http404
        if not self._open_finding(request, record):
            raise PermissionDenied
        form = AcknowledgeForm(request.POST or None)
        back = reverse("admin:audit_record_change", args=[record.pk])
        if request.method == "POST" and form.is_valid():
            reader = access.reader_of(request.user)
            findings.acknowledge(
                actor=reader.actor, chain=record.chain, seq=record.seq, reason=form.cleaned_data["reason"]
            )
            messages.success(
                request,
                _("Acknowledged: record %(number)d of %(chain)s.") % {"number": record.seq, "chain": record.chain},
            )
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Acknowledge a finding"),
            "opts": self.opts,
            "record": record,
            "capture": Capture(record.capture).label,
            "form": form,
            "back": back,
        }
        return TemplateResponse(request, "admin/audit/record/acknowledge.html", context)

    def _open_finding(self, request: HttpRequest, record: Record) -> bool:
        if record.capture not in FINDINGS or record.chain not in access.reader_of(request.user).acknowledges:
            return False
        return findings.unacknowledged().filter(pk=record.pk).exists()


def _is_open(record: Record) -> bool:
    return bool(getattr(record, "is_open", False))


@admin.register(Segment)
class SegmentAdmin(EvidenceAdmin[Segment]):
    """How far each chain is sealed."""

    list_display = ("chain", "first", "last", "state", "sealed_at")
    list_filter = (ChainFilter, "state")
    ordering = ("-last",)
    sortable_by = ()
    fields = readonly_fields = (
        "chain",
        "first",
        "last",
        "state",
        "root_hex",
        "planned_at",
        "built_at",
        "stored_at",
        "sealed_at",
        "signed",
    )

    @admin.display(description=_("root hash"))
    def root_hex(self, segment: Segment) -> str:
        """The root of the chain's Merkle tree after this segment."""
        return bytes(segment.root).hex() if segment.root else self.get_empty_value_display()

    @admin.display(description=_("signed head"))
    def signed(self, segment: Segment) -> str | SafeString:
        """The checkpoint as it lies in the evidence store."""
        return (
            format_html("<pre>{}</pre>", segment.checkpoint) if segment.checkpoint else self.get_empty_value_display()
        )


@admin.register(ParkedRecord)
class ParkedRecordAdmin(EvidenceAdmin[ParkedRecord]):
    """Records a consumer gave up on: something owed was not done."""

    list_display = ("consumer", "chain", "seq", "error", "parked_at")
    list_display_links = None
    ordering = ("-parked_at",)
    sortable_by = ()
