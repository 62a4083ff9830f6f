"""Why a time is, or is not, offered: every rule with its verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bookings.availability.questions import (
    Verdict,
    about_a_session,
    about_the_wish,
    same_clinic,
    seconds_of,
    verdicts,
)
from bookings.availability.rules import Rule
from bookings.availability.terms import terms_of
from bookings.availability.verdict import Choice, diary_of, givers_of, judge, sessions_of
from bookings.availability.wish import Wish
from bookings.wallclock import local_date


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every rule with its verdict: those about the wish itself, then those about each practitioner who could be meant,
    by id. `chosen` is what it would take if it can be booked."""

    wish: tuple[Verdict, ...]
    candidates: Mapping[int, tuple[Verdict, ...]]
    chosen: Choice | None


def explain(*, wish: Wish, now: datetime) -> Explanation:
    """Each rule and its verdict on a wish, as `choose` asks them; a rule that needs an earlier one is left out when
    that one does not hold (no hours are looked up for a time that does not exist)."""
    seconds = seconds_of(wish.start)
    terms = terms_of(service=wish.service, asking=wish.asking, length=wish.length)
    asked = tuple(about_the_wish(wish=wish, terms=terms, now=now, seconds=seconds, promised=False))
    candidates: dict[int, tuple[Verdict, ...]] = {}
    if seconds is not None and same_clinic(wish):
        if wish.seated:
            for session in sessions_of(wish, now=now, seconds=seconds, own_hold=None):
                candidates[session.practitioner] = tuple(about_a_session(session, wish=wish, now=now))
            if not candidates:
                asked += (Verdict(Rule.SESSION, holds=False),)
        else:
            day = local_date(seconds, zone=wish.location.tz)
            diary = diary_of(wish, terms=terms, now=now, day=day, own_hold=None)
            for post in diary.posts:
                candidates[post.practitioner] = tuple(
                    verdicts(diary, post=post, day=day, start=seconds, stepwise=wish.online)
                )
            candidates |= {
                giver: (Verdict(Rule.HOURS, holds=False),) for giver in givers_of(wish) if giver not in candidates
            }
            if not candidates:
                asked += (Verdict(Rule.PRACTITIONER, holds=False),)
    found = judge(wish=wish, now=now)
    return Explanation(asked, candidates, None if isinstance(found, Rule) else found)
