"""How records are narrowed to what somebody looks for: one chain, one kind of thing, what is to be looked into."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from audit import access, findings
from audit.chains import PLATFORM_CHAIN
from audit.declare import declarations
from audit.models import Chain, Record
from audit.models.records import FINDINGS


class ChainFilter(admin.SimpleListFilter):
    """One chain at a time: the first the reader may read, unless another is asked for."""

    title = _("chain")
    parameter_name = "chain"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in readable(request)]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def choices(self, changelist: Any) -> Any:
        chosen = self.value() or next((name for name, _title in self.lookup_choices), None)
        for name, title in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: name})
            yield {"selected": chosen == name, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        names = [name for name, _title in self.lookup_choices]
        chosen = self.value() or (names[0] if names else "")
        return queryset.filter(chain=chosen) if chosen in names else queryset.none()


class FindingFilter(admin.SimpleListFilter):
    """What somebody has to look into."""

    title = _("findings")
    parameter_name = "findings"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("not acknowledged")), ("all", _("every finding"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Record]) -> QuerySet[Record]:
        if self.value() == "open":
            return queryset.filter(pk__in=findings.unacknowledged().values("pk"))
        return queryset.filter(capture__in=FINDINGS) if self.value() == "all" else queryset


class ModelFilter(admin.SimpleListFilter):
    """Records about one kind of thing; the kinds are those declared, so that no table is read to list them."""

    title = _("about")
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted((declared.label, declared.label) for declared in declarations().values() if declared.audited)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Record]) -> QuerySet[Record]:
        return queryset.filter(model=self.value()) if self.value() else queryset


def readable(request: HttpRequest) -> list[str]:
    """Names of the chains whose records the person is listed, the platform's last."""
    reader = access.reader_of(request.user)
    names = set(Chain.objects.values_list("name", flat=True)) if reader.operator else set(reader.chains)
    return sorted(names, key=lambda name: (name == PLATFORM_CHAIN, int(name.rpartition("/")[2]) if "/" in name else 0))
