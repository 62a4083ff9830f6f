"""What this installation publishes of its formats: JSON Schemas, for whoever reads its evidence."""

from pathlib import Path
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

RECORD_SCHEMA: Final = Path(__file__).parent / "schemas" / "audit-record-v1.json"
"""One line of a chain (draft 2020-12); `#exported` is a record as `audit_prove --json` writes it."""


@require_safe
@cache_control(public=True, max_age=86_400)
def record_schema(request: HttpRequest) -> HttpResponse:
    """The schema of a record."""
    return HttpResponse(RECORD_SCHEMA.read_bytes(), content_type="application/schema+json")
