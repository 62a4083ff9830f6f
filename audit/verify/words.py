"""What each finding says, in words for someone who has to act on it and has never seen the code.

The texts are English message ids; the command translates them. They name places, never values: a value may be personal.
"""

from collections.abc import Mapping
from typing import Final


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogue (xgettext goes by this name); Django's own would drag Django in here."""
    return text


FINDINGS: Final[Mapping[str, str]] = {
    # --- the evidence store
    "object-unexpected": gettext_noop(
        "The file “%(object)s” lies in the evidence store, but nothing that was sealed names it."
    ),
    "object-doubled": gettext_noop("The file “%(object)s” exists in more than one version: one was put over another."),
    "object-missing": gettext_noop(
        "The file “%(object)s”, which the sealed list names, is gone from the evidence store."
    ),
    "object-altered": gettext_noop("The file “%(object)s” was changed after it was sealed."),
    "object-unreadable": gettext_noop("The file “%(object)s” cannot be read as what it should be: %(reason)s."),
    "lock-missing": gettext_noop("Nothing says how long the file “%(object)s” is locked against deletion."),
    "lock-short": gettext_noop(
        "The file “%(object)s” is locked only until %(found)s, but was sealed to be kept until %(wanted)s."
    ),
    "hold-missing": gettext_noop(
        "The file “%(object)s” belongs to a legal hold (%(matter)s), but the evidence store would let it be deleted "
        "once its time is over."
    ),
    "hold-forgotten": gettext_noop(
        "Record %(seq)s of chain %(chain)s placed a legal hold (%(matter)s) that nobody lifted, "
        "but the database no longer knows it as it was placed."
    ),
    "hold-invented": gettext_noop("A legal hold (%(matter)s) stands on chain %(chain)s that no record placed."),
    "statement-bad": gettext_noop("The signature over the file “%(object)s” does not hold: %(reason)s."),
    "checkpoint-bad": gettext_noop(
        "The signed head of chain %(chain)s after record %(seq)s (“%(object)s”) does not hold: %(reason)s."
    ),
    "checkpoint-missing": gettext_noop(
        "The signed head of chain %(chain)s after record %(seq)s (“%(object)s”) is gone, though later ones exist."
    ),
    "checkpoint-stray": gettext_noop(
        "A signed head of chain %(chain)s speaks of %(seq)s records (“%(object)s”), but no sealed segment ends there."
    ),
    "tile-missing": gettext_noop(
        "The tile “%(object)s” of chain %(chain)s, complete since record %(seq)s, is gone from the evidence store."
    ),
    "tile-differs": gettext_noop(
        "The tile “%(object)s” of chain %(chain)s, complete since record %(seq)s, "
        "does not hold the hashes of the sealed records."
    ),
    "root-differs": gettext_noop(
        "The records of chain %(chain)s up to number %(seq)s do not give the head that was signed for them "
        "(“%(object)s”)."
    ),
    "manifest-differs": gettext_noop(
        "The list of segment %(first)s to %(last)s of chain %(chain)s does not fit what is sealed around it: "
        "%(reason)s."
    ),
    "segment-gap": gettext_noop(
        "Records %(first)s to %(last)s of chain %(chain)s are missing from the evidence store, "
        "though later ones are there."
    ),
    "segment-twice": gettext_noop(
        "Two sealed segments of chain %(chain)s both claim record %(seq)s (“%(object)s”): there are two histories."
    ),
    "verified-gone": gettext_noop(
        "An earlier check saw the signed head of chain %(chain)s over %(seq)s records (“%(object)s”), "
        "but it is gone from the evidence store."
    ),
    "verified-differs": gettext_noop(
        "The signed head of chain %(chain)s over %(seq)s records (“%(object)s”) is not the one an earlier check saw: "
        "there are two histories."
    ),
    "report-altered": gettext_noop(
        "The kept report of the check begun at %(at)s UTC (%(id)s) is not what was signed: %(reason)s."
    ),
    "report-gone": gettext_noop(
        "Record %(seq)s of chain %(chain)s tells of a check whose report (%(id)s) is no longer kept."
    ),
    "withheld": gettext_noop(
        "What is not shown here: %(count)s findings about other clinics or the installation as a whole. "
        "Whoever runs the installation reads them."
    ),
    "line-altered": gettext_noop(
        "Record %(seq)s of chain %(chain)s was changed after it was sealed (in “%(object)s”)."
    ),
    "line-missing": gettext_noop(
        "Record %(seq)s of chain %(chain)s was taken out of “%(object)s” after it was sealed."
    ),
    "line-extra": gettext_noop("“%(object)s” holds %(count)s more records than were sealed in it."),
    "line-moved": gettext_noop(
        "In “%(object)s”, record %(found)s of chain %(chain)s stands where record %(seq)s was sealed."
    ),
    "line-wrong": gettext_noop("Record %(seq)s of chain %(chain)s was sealed against the rules: %(reason)s."),
    "heads-gone": gettext_noop(
        "The log of logs vouches for %(seq)s records of chain %(chain)s, but their signed head (“%(object)s”) is not "
        "in the evidence store: the chain was dropped or cut back."
    ),
    "heads-differ": gettext_noop(
        "The signed head of chain %(chain)s after record %(seq)s (“%(object)s”) is another than the log of logs "
        "vouched for: there are two histories."
    ),
    "anchor-forged": gettext_noop(
        "The time stamp “%(object)s” does not vouch for the signed head of chain %(chain)s after record %(seq)s: "
        "%(reason)s."
    ),
    "anchor-orphan": gettext_noop(
        "The time stamp “%(object)s” belongs to a signed head of chain %(chain)s after record %(seq)s "
        "that is not in the evidence store."
    ),
    "anchor-gone": gettext_noop(
        "The signed head of chain %(chain)s after record %(seq)s was given a time stamp (“%(object)s”), "
        "but it is gone from the evidence store."
    ),
    "key-unknown": gettext_noop(
        "The evidence store publishes a signing key (“%(object)s”) that the key store of this system does not hold."
    ),
    "key-unpublished": gettext_noop(
        "Evidence was signed, but the evidence store does not publish the key it was signed with (“%(object)s”)."
    ),
    # --- the database's own records
    "record-changed": gettext_noop(
        "Record %(seq)s of chain %(chain)s was changed in the database after it was sealed (in: %(fields)s)."
    ),
    "record-dropped": gettext_noop("Record %(seq)s of chain %(chain)s was sealed, but is gone from the database."),
    "record-moved": gettext_noop(
        "In the database, record %(found)s of chain %(chain)s stands where record %(seq)s was sealed: "
        "records were swapped."
    ),
    "record-aside": gettext_noop(
        "Beside record %(seq)s of chain %(chain)s, the database notes something else than the record says (%(fields)s)."
    ),
    "record-broken": gettext_noop(
        "Record %(seq)s of chain %(chain)s, not sealed yet, does not continue the records before it: %(reason)s."
    ),
    "record-gap": gettext_noop(
        "Records %(first)s to %(last)s of chain %(chain)s, not sealed yet, are gone from the database."
    ),
    "record-chainless": gettext_noop(
        "The database holds records of chain %(chain)s, but no longer knows that chain: where it ends was removed."
    ),
    "head-differs": gettext_noop(
        "The database says chain %(chain)s ends with record %(wanted)s, but its records end with %(found)s."
    ),
    "database-behind": gettext_noop(
        "The evidence store holds %(sealed)s records of chain %(chain)s, the database only %(known)s: "
        "records were removed, or an older copy was restored."
    ),
    "store-behind": gettext_noop(
        "The database says records up to %(wanted)s of chain %(chain)s were sealed, "
        "but the evidence store ends with %(found)s."
    ),
    "state-differs": gettext_noop(
        "What the database notes about segment %(first)s to %(last)s of chain %(chain)s is not what was sealed "
        "(%(fields)s)."
    ),
    "state-behind": gettext_noop(
        "The database says %(wanted)s records of chain %(chain)s are signed for, "
        "but the segments it notes end with %(found)s."
    ),
    "state-missing": gettext_noop(
        "Segment %(first)s to %(last)s of chain %(chain)s was sealed, but the database no longer knows of it."
    ),
    # --- what the records say about the rows
    "row-changed": gettext_noop(
        "In table %(table)s, row %(pk)s was changed without a record of it (columns: %(fields)s)."
    ),
    "row-added": gettext_noop("In table %(table)s, row %(pk)s exists, but no record says that it was ever made."),
    "row-returned": gettext_noop(
        "In table %(table)s, row %(pk)s exists, though the last record about it says that it was removed."
    ),
    "row-removed": gettext_noop("In table %(table)s, row %(pk)s is gone, but no record says that it was removed."),
    "bypass": gettext_noop(
        "Table %(table)s, row %(pk)s was changed past the application (record %(seq)s of chain %(chain)s, "
        "as database user %(user)s), and nobody has accounted for it."
    ),
    "bypass-waiting": gettext_noop(
        "Table %(table)s, row %(pk)s was changed past the application (as database user %(user)s); "
        "the record of it is about to be written, and nobody has accounted for it."
    ),
    "alarm": gettext_noop(
        "The application announced a change that the database did not see (record %(seq)s of chain %(chain)s): "
        "its recording may have been switched off. Nobody has accounted for it."
    ),
    "ddl": gettext_noop(
        "The structure of the database was changed past the application (%(command)s %(object)s, record %(seq)s of "
        "chain %(chain)s, as database user %(user)s), and nobody has accounted for it."
    ),
    "ddl-waiting": gettext_noop(
        "The structure of the database was changed past the application (%(command)s %(object)s, "
        "as database user %(user)s); the record of it is about to be written, and nobody has accounted for it."
    ),
    "watch-gone": gettext_noop("Changes of the database's structure are no longer watched (%(object)s): %(reason)s."),
    "trigger-missing": gettext_noop("Table %(table)s is not being recorded as declared: %(reason)s."),
    "proof-bad": gettext_noop("The proof “%(object)s” does not hold: %(reason)s."),
    "function-altered": gettext_noop(
        "The database function %(object)s, which does the recording, is not the one this version of Horae installs."
    ),
}

_OPEN: Final = gettext_noop(
    "Segment %(first)s to %(last)s of chain %(chain)s carries no signed head: it was not sealed to the end, "
    "or its head is gone."
)
UNCHECKED: Final[Mapping[str, str]] = {
    "segment-unsigned": _OPEN,
    "store-empty": gettext_noop("The evidence store %(store)s holds nothing that was ever sealed."),
    "store-unreadable": gettext_noop("“%(object)s” could not be read: %(reason)s."),
    "key-absent": gettext_noop("No trusted key is at hand, so no signature could be checked: %(reason)s."),
    "log-assumed": gettext_noop("Nobody said which log this should be; it calls itself “%(log)s”."),
    "segment-unchecked": gettext_noop(
        "Segment %(first)s to %(last)s of chain %(chain)s was not checked to the end: the process that did it died."
    ),
    "anchor-unjudged": gettext_noop("Who made %(count)s time stamps could not be checked: %(reason)s."),
    "withheld-open": gettext_noop(
        "What is not shown here is about other clinics. Whoever runs the installation reads it."
    ),
    "time-over": gettext_noop("The time for this check was over before its end."),
    "table-unreadable": gettext_noop("Table %(table)s could not be read: %(reason)s."),
    "chain-absent": gettext_noop(
        "There is no chain called %(chain)s, neither in the evidence store nor in the database."
    ),
}

NOTES: Final[Mapping[str, str]] = {
    "segment-open": gettext_noop(
        "Segment %(first)s to %(last)s of chain %(chain)s is only just being sealed; it was not judged."
    ),
    "hold-waiting": gettext_noop(
        "The legal hold %(matter)s on chain %(chain)s still has to be put on %(count)s segments; the sweep goes on."
    ),
    "records-newer": gettext_noop("%(count)s records of chain %(chain)s were sealed while this check ran."),
    "tables-apart": gettext_noop(
        "Only the evidence store was looked at. Whether the tables of the database still agree with it, "
        "audit_verify says on the system itself."
    ),
    "heads-newest": gettext_noop(
        "The newest record of the log of logs is of %(at)s UTC: for what was sealed later only its own chain vouches."
    ),
    "heads-silent": gettext_noop(
        "Between %(since)s and %(until)s UTC the log of logs says nothing: the system stood still, or nothing was "
        "sealed."
    ),
    "ddl-unwatched": gettext_noop("Changes of the database's structure leave no record of their own: %(reason)s."),
    "report-unsigned": gettext_noop("This report could not be signed, so no later check begins where it ended."),
    "anchored": gettext_noop(
        "A time stamp by the authority, of %(at)s UTC, covers the signed head of the log of logs after record %(seq)s: "
        "everything sealed under the heads it vouches for existed then."
    ),
    "anchor-old": gettext_noop(
        "Since %(since)s UTC the log of logs has moved on without a time stamp: when later heads were signed rests on "
        "this system's own clock."
    ),
    "anchor-absent": gettext_noop(
        "The signed heads carry no time stamp by an authority: when they were signed rests on this system's own clock."
    ),
    "anchor-apart": gettext_noop(
        "Whether an authority stamped the time of this head or a later one, a check of the whole evidence store says."
    ),
}

COUNTS: Final[Mapping[str, str]] = {
    "keys": gettext_noop("keys"),
    "chains": gettext_noop("chains"),
    "heads": gettext_noop("signed heads"),
    "segments": gettext_noop("segments"),
    "records": gettext_noop("sealed records"),
    "mentions": gettext_noop("heads vouched for by the log of logs"),
    "anchors": gettext_noop("time stamps"),
    "tiles": gettext_noop("tiles"),
    "holds": gettext_noop("legal holds"),
    "unsealed": gettext_noop("records not sealed yet"),
    "waiting": gettext_noop("changes not recorded yet"),
    "tables": gettext_noop("tables"),
    "rows": gettext_noop("rows"),
    "triggers": gettext_noop("triggers"),
    "reports": gettext_noop("kept reports"),
}
"""What a report counts, in the order it is told."""

LEVELS: Final[Mapping[str, str]] = {
    "heads": gettext_noop("the signatures of all heads"),
    "consistency": gettext_noop("the heads, and that each continues the one before it"),
    "segments": gettext_noop("the whole evidence store, every sealed record in it"),
    "records": gettext_noop("the evidence store, and the records and triggers of the database against it"),
    "tables": gettext_noop("everything, the rows of the tables included"),
}
"""How deep a check goes, from shallow to deep; each includes the ones before it."""
DEPTH: Final = tuple(LEVELS)


def same(text: str) -> str:
    """The text as it is: what `Report` prints where nobody translates."""
    return text
