"""When a service can be booked, why a time is not offered, and what to offer instead.

`free_slots` answers for a window, `next_free` and `nearest` search, `check` judges one time. Rows are read by `load`,
in a number of queries that depends neither on the window nor on how many practitioners there are; everything after that
is arithmetic on whole seconds (`bookings.intervals`, `bookings.wallclock`).
"""

from bookings.availability.rules import NotOffered, Rule
from bookings.availability.search import free_slots, nearest, next_free
from bookings.availability.slots import Slot
from bookings.availability.taken import SlotTaken, retelling_the_nearest
from bookings.availability.verdict import Choice, check, choose

__all__ = [
    "Choice",
    "NotOffered",
    "Rule",
    "Slot",
    "SlotTaken",
    "check",
    "choose",
    "free_slots",
    "nearest",
    "next_free",
    "retelling_the_nearest",
]
