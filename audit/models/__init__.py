"""Tables of the evidence: facts, records, segments, holds, keys."""

from audit.models.anchors import Anchor
from audit.models.erasures import Erasure
from audit.models.facts import Fact
from audit.models.holds import LegalHold
from audit.models.keys import ClinicKey, SourceKey, SubjectKey
from audit.models.reads import ReadWindow
from audit.models.records import Chain, Cursor, ParkedRecord, Record
from audit.models.segments import Segment, SegmentState
from audit.models.tiles import Tile
from audit.models.verifications import Verification

__all__ = [
    "Anchor",
    "Chain",
    "ClinicKey",
    "Cursor",
    "Erasure",
    "Fact",
    "LegalHold",
    "ParkedRecord",
    "ReadWindow",
    "Record",
    "Segment",
    "SegmentState",
    "SourceKey",
    "SubjectKey",
    "Tile",
    "Verification",
]
