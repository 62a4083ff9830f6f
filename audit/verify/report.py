"""What a check found: counted, kept in the order it was found, told as text or JSON."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from audit.verify.words import COUNTS, FINDINGS, LEVELS, NOTES, UNCHECKED, gettext_noop, same

HOLDS, DOES_NOT_HOLD, NOT_ALL_CHECKED = 0, 1, 2
TOLD: Final = 50
"""Findings told in the text for people; the JSON has more."""
KEPT: Final = 1000
"""Findings kept word for word; beyond that they are counted, so that a ruined store cannot exhaust memory."""

Value = str | int
Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold, could not be checked, or is worth knowing: a code and the places it names."""

    code: str
    values: Mapping[str, Value]

    def text(self, translate: Translate = same) -> str:
        """The sentence, translated by `translate` if given."""
        template = FINDINGS.get(self.code) or UNCHECKED.get(self.code) or NOTES.get(self.code)
        # A kept report may be of a version that knew other things.
        return translate(template) % self.values if template else str(self.values.get("says", self.code))

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, **self.values, "says": self.text()}


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head up to which a chain holds: its size, its root (hex), the first record of its segment."""

    first: int
    size: int
    root: str


@dataclass(slots=True)
class Report:
    """The outcome of one check. `at` is when it began (aware); `log` the name of the log it was about."""

    at: datetime
    log: str = ""
    keys: tuple[str, ...] = ()
    """Public keys the signatures were held against, hex."""
    findings: list[Finding] = field(default_factory=list)
    found: int = 0
    unchecked: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    scope: str = ""
    """The one chain that was checked, or empty for all."""
    level: str = "segments"
    """How deep the check went: one of `LEVELS`."""
    since: dict[str, Head] = field(default_factory=dict)
    """Where the check of a chain began, if not with its first record."""
    verified: dict[str, Head] = field(default_factory=dict)
    """Up to where each chain holds: a later check may begin there."""
    tables: list[str] = field(default_factory=list)
    """The tables whose rows were compared, in order."""

    def find(self, code: str, **values: Value) -> None:
        """Something does not hold."""
        assert code in FINDINGS
        self.found += 1
        if len(self.findings) < KEPT:
            self.findings.append(Finding(code, values))

    def miss(self, code: str, **values: Value) -> None:
        """Something could not be checked."""
        assert code in UNCHECKED
        if len(self.unchecked) < KEPT:
            self.unchecked.append(Finding(code, values))

    def note(self, code: str, **values: Value) -> None:
        """Something the reader should know, that changes nothing about the outcome."""
        assert code in NOTES
        if len(self.notes) < KEPT:
            self.notes.append(Finding(code, values))

    def count(self, what: str, number: int = 1) -> None:
        """Add to what was checked."""
        assert what in COUNTS
        self.counts[what] = self.counts.get(what, 0) + number

    def absorb(self, other: "Report") -> None:
        """Take over what a part of this check found, as if it had been told here."""
        self.found += other.found
        for mine, theirs in (
            (self.findings, other.findings),
            (self.unchecked, other.unchecked),
            (self.notes, other.notes),
        ):
            mine.extend(theirs[: max(0, KEPT - len(mine))])
        for what, number in other.counts.items():
            self.counts[what] = self.counts.get(what, 0) + number

    @property
    def exit_code(self) -> int:
        """0 holds, 1 does not, 2 could not check everything."""
        if self.found:
            return DOES_NOT_HOLD
        return NOT_ALL_CHECKED if self.unchecked else HOLDS

    @property
    def outcome(self) -> str:
        """What machines and lists call it."""
        return {HOLDS: "holds", DOES_NOT_HOLD: "does not hold", NOT_ALL_CHECKED: "not all checked"}[self.exit_code]

    @property
    def holds(self) -> bool:
        return self.exit_code == HOLDS

    def as_json(self) -> dict[str, Any]:
        """The report for machines; key order and spelling are part of the format."""
        return {
            "v": 1,
            "at": f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "log": self.log,
            "keys": list(self.keys),
            "scope": self.scope,
            "level": self.level,
            "outcome": self.outcome,
            "exit": self.exit_code,
            "found": self.found,
            "findings": [finding.as_json() for finding in self.findings],
            "unchecked": [finding.as_json() for finding in self.unchecked],
            "notes": [finding.as_json() for finding in self.notes],
            "checked": dict(sorted(self.counts.items())),
            "tables": self.tables,
            "since": {chain: asdict(head) for chain, head in sorted(self.since.items())},
            "verified": {chain: asdict(head) for chain, head in sorted(self.verified.items())},
        }

    def as_text(self, translate: Translate = same) -> str:
        """The report for people: the first thing that does not hold comes first."""
        lines: list[str] = []
        if self.findings:
            lines += [translate(gettext_noop("THE EVIDENCE DOES NOT HOLD.")), "", self.findings[0].text(translate)]
            if self.found > 1:
                lines += ["", translate(gettext_noop("Found after it:"))]
                lines += [f"  - {finding.text(translate)}" for finding in self.findings[1:TOLD]]
            if self.found > TOLD:
                more = self.found - TOLD
                lines.append("  " + translate(gettext_noop("… and %(count)s more.")) % {"count": more})
        elif self.unchecked:
            lines.append(translate(gettext_noop("NOT EVERYTHING COULD BE CHECKED. What could be, holds.")))
        else:
            lines.append(translate(gettext_noop("THE EVIDENCE HOLDS.")))
        if self.unchecked:
            lines += ["", translate(gettext_noop("Could not be checked:"))]
            lines += [f"  - {finding.text(translate)}" for finding in self.unchecked]
        if self.notes:
            lines += ["", translate(gettext_noop("To know:"))]
            lines += [f"  - {finding.text(translate)}" for finding in self.notes]
        counts = ", ".join(
            f"{self.counts[what]} {translate(name)}" for what, name in COUNTS.items() if what in self.counts
        )
        checked = translate(gettext_noop("Checked at %(at)s UTC: %(what)s.")) % {
            "at": f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            "what": counts or translate(gettext_noop("nothing")),
        }
        lines += [
            "",
            checked,
            translate(gettext_noop("How deep: %(level)s.")) % {"level": translate(LEVELS[self.level])},
        ]
        if self.since:
            begun = gettext_noop(
                "%(count)s chains were taken up where an earlier check ended; records before were not read."
            )
            lines.append(translate(begun) % {"count": len(self.since)})
        if self.keys:
            keys = ", ".join(f"{key[:16]}…" for key in self.keys)
            trusted = gettext_noop("Signatures were held against key %(keys)s of log %(log)s.")
            lines.append(translate(trusted) % {"keys": keys, "log": self.log})
        return "\n".join(lines) + "\n"
