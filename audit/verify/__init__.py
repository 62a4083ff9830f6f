"""Checking evidence. The part for the evidence store needs no Django; `audit.verify.run` adds the database."""

from audit.verify.chains import Listener, verify_worm
from audit.verify.report import Finding, Head, Report
from audit.verify.segments import Records
from audit.verify.trust import Trust

__all__ = ["Finding", "Head", "Listener", "Records", "Report", "Trust", "verify_worm"]
