"""A record in a reader's words."""

from typing import Any

import pytest

from audit.told import Change, told

SEALED = "1." + "a" * 32 + ".Zm9v"


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (None, {"status": "booked", "note": ""}, [("status", "–", "booked"), ("note", "–", "–")]),
        ({"status": "booked"}, {"id": 7, "status": "cancelled"}, [("status", "booked", "cancelled")]),
        ({"status": "booked"}, None, [("status", "booked", "–")]),
        ({"name": SEALED}, {"name": SEALED + "x"}, [("name", "sealed", "sealed")]),
        ({"note": "x" * 200}, {"note": None}, [("note", "x" * 79 + "…", "–")]),
    ],
)
def test_what_changed_is_told_by_value_and_what_is_sealed_stays_so(
    before: Any, after: Any, changes: list[tuple[str, str, str]]
) -> None:
    assert told({"before": before, "after": after}).changes == [Change(*one) for one in changes]


def test_who_and_what_for_and_a_dash_for_what_is_not_there() -> None:
    actor = {"kind": "staff", "label": "carla", "roles": ["reception"]}
    found = told({"actor": actor, "operation": "cancel", "use": {"id": "x", "case": "booking.cancel"}, "purpose": None})
    assert (found.who, found.what, found.case, found.purpose) == ("carla (reception)", "cancel", "booking.cancel", "–")
    nothing = told({"actor": "?", "use": 3, "before": []})
    assert (nothing.who, nothing.what, nothing.changes) == ("–", "–", [])
