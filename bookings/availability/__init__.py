"""When a service can be booked, why a time is not offered, and what to offer instead.

`free_slots` answers for a window, `next_free` and `nearest` search, `check` judges one time, `explain` says each rule's
verdict on it. Rows are read by `load`, in a number of queries that depends neither on the window nor on how many
practitioners there are; everything after that is arithmetic on whole seconds (`bookings.intervals`,
`bookings.wallclock`).
"""

from bookings.availability.combined import Part, combined_slots
from bookings.availability.explaining import Explanation, explain
from bookings.availability.questions import Verdict
from bookings.availability.rules import MESSAGES, NotOffered, Rule
from bookings.availability.search import Narrowed, PartOfDay, free_slots, nearest, next_free
from bookings.availability.slots import Slot
from bookings.availability.taken import SlotTaken, retelling_the_nearest
from bookings.availability.terms import asked_by, terms_of
from bookings.availability.verdict import Choice, check, choose, giver_of_all
from bookings.availability.wish import NOTHING_SAID, Asking, Wish

__all__ = [
    "MESSAGES",
    "NOTHING_SAID",
    "Asking",
    "Choice",
    "Explanation",
    "Narrowed",
    "NotOffered",
    "Part",
    "PartOfDay",
    "Rule",
    "Slot",
    "SlotTaken",
    "Verdict",
    "Wish",
    "asked_by",
    "check",
    "choose",
    "combined_slots",
    "explain",
    "free_slots",
    "giver_of_all",
    "nearest",
    "next_free",
    "retelling_the_nearest",
    "terms_of",
]
