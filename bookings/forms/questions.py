"""What is asked before times are shown, of nobody by name: who can book a service, and how long, may depend on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from django.core.exceptions import BadRequest
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings.availability import MESSAGES, Asking, Rule, asked_by, terms_of
from bookings.models import Coverage, HealthcareService, Need, Standing, VisitKind

Words = Mapping[str, str | Promise]
Pairs = list[tuple[str, str]]

LEGENDS: Final[Words] = MappingProxyType(
    {
        "kind": _("How would you like to meet?"),
        "standing": _("Have you been here before?"),
        "coverage": _("Who pays?"),
        "referral": _("Do you have a referral?"),
    }
)
KINDS: Final[Words] = MappingProxyType(
    {
        VisitKind.ON_SITE: _("At the clinic"),
        VisitKind.PHONE: _("By phone"),
        VisitKind.VIDEO: _("By video"),
        VisitKind.HOME: _("At home"),
    }
)
CHOICES: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "kind": KINDS,
        "standing": MappingProxyType({Standing.NEW: _("No, this is the first time"), Standing.KNOWN: _("Yes, before")}),
        "coverage": MappingProxyType(
            {
                Coverage.STATUTORY: _("Statutory insurance"),
                Coverage.PRIVATE: _("Private insurance"),
                Coverage.SELF: _("I pay myself"),
            }
        ),
        "referral": MappingProxyType({"yes": _("With a referral"), "no": _("Without a referral")}),
    }
)
NEEDS: Final[Words] = MappingProxyType(
    {
        Need.WHEELCHAIR: _("Step-free access"),
        Need.INTERPRETER: _("An interpreter"),
        Need.SIGN_LANGUAGE: _("Sign language"),
        Need.COMPANION: _("Somebody comes along"),
        Need.MORE_TIME: _("More time"),
    }
)
#: Answers that say little without their question.
_SHORT: Final[Words] = MappingProxyType({Standing.NEW: _("New patient"), Standing.KNOWN: _("Been here before")})


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer as a page shows it."""

    value: str
    text: str | Promise
    chosen: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its answers; `missing` when it was sent without one."""

    name: str
    legend: str | Promise
    choices: list[Choice]
    missing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was answered of what these services ask: words by name, and the needs."""

    services: tuple[HealthcareService, ...]
    said: Mapping[str, str]
    needs: tuple[str, ...]

    @property
    def asked(self) -> list[str]:
        """The names of the questions asked."""
        return _asked(self.services)

    @property
    def unanswered(self) -> list[str]:
        """The names of those still to be answered before times can be shown."""
        return [name for name in self.asked if name not in self.said]

    @property
    def asking(self) -> Asking:
        """The same as availability takes it."""
        kinds = _kinds(self.services)
        return Asking(
            standing=self.said.get("standing", ""),
            coverage=self.said.get("coverage", ""),
            referral=self.said.get("referral") == "yes",
            kind=self.said.get("kind") or (kinds[0] if kinds else VisitKind.ON_SITE),
            needs=frozenset(self.needs),
        )

    @property
    def refusal(self) -> str:
        """Why these answers lead to no time online, empty when they do or are not complete."""
        if self.unanswered:
            return ""
        asking = self.asking
        if not _kinds(self.services):
            return str(MESSAGES[Rule.KIND])
        if any(terms_of(service=service, asking=asking).refusing for service in self.services):
            return str(MESSAGES[Rule.TERMS])
        if any(service.referral_needed for service in self.services) and not asking.referral:
            return str(MESSAGES[Rule.REFERRAL])
        return ""

    @property
    def pairs(self) -> Pairs:
        """The answers as an address or hidden fields carry them."""
        said = [(name, self.said[name]) for name in self.asked if name in self.said]
        return said + [("needs", need) for need in self.needs]

    @property
    def words(self) -> list[str]:
        """The answers in words."""
        said = [
            str(_SHORT.get(self.said[name], CHOICES[name][self.said[name]])) for name in self.asked if name in self.said
        ]
        return said + [str(NEEDS[need]) for need in self.needs]

    def questions(self, *, sent: bool) -> list[Question]:
        """The questions as a page asks them; with `sent` those without an answer are marked."""
        return [
            Question(
                name,
                LEGENDS[name],
                [Choice(word, text, self.said.get(name) == word) for word, text in self._choices(name)],
                missing=sent and name not in self.said,
            )
            for name in self.asked
        ]

    @property
    def need_choices(self) -> list[Choice]:
        """Every need, with whether it was said."""
        return [Choice(need, text, need in self.needs) for need, text in NEEDS.items()]

    def _choices(self, name: str) -> Iterable[tuple[str, str | Promise]]:
        kinds = _kinds(self.services)
        return ((word, text) for word, text in CHOICES[name].items() if name != "kind" or word in kinds)


def answers_in(data: MultiValueDict[str, str], *, services: Sequence[HealthcareService]) -> Answers:
    """What an address or a form answers. What these services do not ask is not kept; raises BadRequest on words that
    are no answer."""
    said = {name: data.get(name) or "" for name in CHOICES}
    needs = data.getlist("needs")
    if any(word and word not in CHOICES[name] for name, word in said.items()) or not set(needs) <= NEEDS.keys():
        raise BadRequest("no such answer")
    kinds, asked = _kinds(services), _asked(services)
    if said["kind"] not in ("", *kinds):
        said["kind"] = ""
    return Answers(
        services=tuple(services),
        said={name: word for name, word in said.items() if word and name in asked},
        needs=tuple(need for need in NEEDS if need in needs),
    )


def pairs_of(asking: Asking) -> Pairs:
    """What was answered, as an address carries it; `answers_in` takes from it what a service asks."""
    said = [("kind", str(asking.kind)), ("standing", asking.standing), ("coverage", asking.coverage)]
    said.append(("referral", "yes" if asking.referral else ""))
    return [(name, word) for name, word in said if word] + [("needs", need) for need in NEEDS if need in asking.needs]


def _kinds(services: Sequence[HealthcareService]) -> list[str]:
    """The ways to meet that all of these services are given in, in the order in which they are asked."""
    return [kind for kind in KINDS if all(kind in service.kinds for service in services)]


def _asked(services: Sequence[HealthcareService]) -> list[str]:
    needed = asked_by(row for service in services for row in service.terms.all())
    wanted = {
        "kind": len(_kinds(services)) > 1,
        "standing": "standing" in needed,
        "coverage": "coverage" in needed,
        "referral": any(service.referral_needed for service in services),
    }
    return [name for name in LEGENDS if wanted[name]]
