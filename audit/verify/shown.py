"""What of a report is shown to whom: findings about other clinics are theirs, and how many there are is said."""

from collections.abc import Mapping
from typing import Any

from audit.access import Reader
from audit.models.verifications import Outcome
from audit.verify.objects import place
from audit.verify.report import Finding, Report


def shown(report: Report, *, reader: Reader) -> Report:
    """The report without what is about other clinics than the reader's; how much that is, is said."""
    if reader.operator:
        return report
    theirs = [found for found in report.findings if _chain(found.values) in reader.chains]
    withheld = report.found - len(theirs)
    report.findings = [*theirs, *([Finding("withheld", {"count": withheld})] if withheld else [])]
    report.found = len(report.findings)
    for points in (report.unchecked, report.notes):
        points[:] = [point for point in points if _chain(point.values) in {"", *reader.chains}]
    if not report.unchecked and report.outcome == Outcome.NOT_ALL_CHECKED:
        report.unchecked.append(Finding("withheld-open", {}))
    return report


def _chain(values: Mapping[str, Any]) -> str:
    """The chain a finding is about; empty for the installation as a whole."""
    return str(values.get("chain") or "") or place(str(values.get("object") or ""))[0]
