"""Records of processing activities (GDPR Art. 30(1)), made from the declarations and the settings.

The document is plain JSON; tables are made from it (`audit.ropa.sheets`). What only people know is marked `TO
COMPLETE` in its place, and every such place is listed and counted.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.db import models

from audit.classification import SPECIAL
from audit.declare import Declaration, Use
from audit.residency import Verdict
from audit.sealed import SealedTextField

FORMAT: Final = "horae-ropa/1"
TO_COMPLETE: Final = "TO COMPLETE"

CONTROLLER_FIELDS: Final = ("legal_name", "name", "address", "email", "phone", "website")
"""Fields of the clinic's row that say who the controller is."""

ORGANISATIONAL: Final = {
    "staff_training": "who is trained on what, and when",
    "secrecy_undertakings": "professional secrecy undertakings of staff and processors (for example § 203 StGB)",
    "backup_plan": "where backups lie and when they expire, the key database's at most 35 days",
    "incident_plan": "who notifies whom within 72 hours (Art. 33, 34)",
}


def build(
    *,
    declared: Iterable[Declaration],
    endpoints: Sequence[Verdict] | None,
    clinic: models.Model | None,
    now: datetime.datetime,
) -> dict[str, Any]:
    """The records of one controller. `endpoints` None means nobody could be asked, which is marked.

    Every declaration appears: in its activity, or in the list of models without personal data.
    """
    known = sorted(declared, key=lambda declaration: declaration.label)
    document: dict[str, Any] = {
        "format": FORMAT,
        "made_at": now.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "controller": _controller(clinic),
        "activities": list(_activities(known)),
        "models_without_a_use": [
            {"model": declaration.label, "evidence": _evidence(declaration)}
            for declaration in known
            if declaration.use is None
        ],
        "processors": _processors(endpoints),
        "transfers": _transfers(endpoints),
        "security_measures": {**_technical(known), **{name: _ask(what) for name, what in ORGANISATIONAL.items()}},
    }
    places = list(_marked(document))
    return document | {"to_complete": places, "to_complete_count": len(places)}


def _ask(what: str) -> str:
    return f"{TO_COMPLETE}: {what}"


def _controller(clinic: models.Model | None) -> dict[str, str]:
    filled = {name: str(getattr(clinic, name, "") or "") for name in CONTROLLER_FIELDS}
    return {
        "legal_name": filled["legal_name"] or filled["name"] or _ask("legal name of the controller"),
        "clinic": filled["name"] or _ask("name of the clinic"),
        "address": filled["address"] or _ask("postal address of the controller"),
        "email": filled["email"] or _ask("contact address of the controller"),
        "phone": filled["phone"] or _ask("phone of the controller"),
        "website": filled["website"],
        "representative": _ask("representative in the Union, where the controller has none there (Art. 27); or none"),
        "joint_controllers": _ask("joint controllers (Art. 26); or none"),
        "data_protection_officer": _ask("name and contact of the data protection officer (Art. 37)"),
        "supervisory_authority": _ask("the supervisory authority that is competent"),
    }


def _activities(known: Sequence[Declaration]) -> Iterator[dict[str, Any]]:
    by_name: dict[str, list[Declaration]] = {}
    for declaration in known:
        if declaration.use is not None:
            by_name.setdefault(declaration.use.activity, []).append(declaration)
    for name in sorted(by_name):
        declared = by_name[name]
        uses = [declaration.use for declaration in declared if declaration.use is not None]
        yield {
            "activity": name,
            "purposes": _each(uses, "purpose"),
            "legal_bases": _each(uses, "basis"),
            "data_subjects": _joined(use.subjects for use in uses),
            "recipients": _joined(use.recipients for use in uses) or ["nobody outside the clinic"],
            "retention": [
                {"class": tag, "duration": duration}
                for tag, duration in sorted({(str(use.retention), use.duration) for use in uses})
            ],
            "sources": _each(uses, "source"),
            "special_categories": sorted({str(c) for d in declared for c in d.categories.values() if c in SPECIAL}),
            "data": [row for declaration in declared for row in _data(declaration)],
            "models": [{"model": d.label, "evidence": _evidence(d), "on_erasure": str(d.on_erasure)} for d in declared],
            "impact_assessment": _ask("whether an assessment under Art. 35 is needed, and where it lies"),
        }


def _each(uses: Sequence[Use], name: str) -> list[str]:
    return sorted({str(getattr(use, name)) for use in uses})


def _joined(lists: Iterable[Sequence[str]]) -> list[str]:
    return sorted({str(entry) for entries in lists for entry in entries})


def _data(declaration: Declaration) -> Iterator[dict[str, Any]]:
    columns = {column.name: column for column in declaration.model._meta.local_concrete_fields}
    for name, category in declaration.categories.items():
        column = columns[name]
        sealed = isinstance(column, SealedTextField)
        digested = column.column in declaration.digest
        protection = "sealed" if sealed else "digest only in the evidence" if digested else "clear"
        yield {
            "model": declaration.label,
            "field": name,
            "category": str(category),
            "special": category in SPECIAL,
            "protection": protection,
            "reason": declaration.clear.get(name, ""),
        }


def _evidence(declaration: Declaration) -> str:
    if declaration.exempt_reason:
        return f"not recorded: {declaration.exempt_reason}"
    return "recorded in the clinic's chain" if declaration.chain_column else "recorded in the platform's chain"


def _processors(endpoints: Sequence[Verdict] | None) -> list[dict[str, Any]]:
    away = [verdict for verdict in endpoints or () if verdict.place != "loopback"]
    hosts = sorted({(verdict.endpoint.host, verdict.endpoint.what, verdict.place) for verdict in away})
    return [
        {
            "host": host,
            "role": what,
            "place": place or "not declared",
            "company": _ask(f"who runs {host}"),
            "contract": _ask("contract under Art. 28, its scope and expiry"),
            "secrecy": _ask("secrecy undertaking, its scope and expiry; or not needed"),
            "certificates": _ask("certificates the law of the clinic's country asks for (C5, HDS); or not needed"),
        }
        for host, what, place in hosts
    ]


def _transfers(endpoints: Sequence[Verdict] | None) -> dict[str, Any]:
    if endpoints is None:
        return {
            "endpoints": [],
            "outside_declared_list": _ask("where the installation's endpoints lie"),
            "safeguards": "",
        }
    outside = sorted({verdict.endpoint.host for verdict in endpoints if not verdict.holds})
    return {
        "endpoints": [
            {
                "what": verdict.endpoint.what,
                "setting": verdict.endpoint.setting,
                "host": verdict.endpoint.host or "this machine",
                "place": verdict.place or "not declared",
                "tls": verdict.endpoint.tls,
                "inside_declared_list": verdict.holds,
            }
            for verdict in endpoints
        ],
        "declared_list": [str(place) for place in getattr(settings, "JURISDICTIONS", ())],
        "outside_declared_list": outside,
        "safeguards": _ask(f"safeguards under Chapter V for {', '.join(outside)}") if outside else "none needed",
    }


def _technical(known: Sequence[Declaration]) -> dict[str, Any]:
    data = [row for declaration in known for row in _data(declaration)]
    scheme = str(getattr(settings, "KEYS_URL", "")).partition(":")[0] or "nothing"
    return {
        "sealing": {
            "fields": sum(row["protection"] == "sealed" for row in data),
            "how": "AES-256-GCM under a key per person, wrapped by the clinic's key, wrapped by the key store",
            "key_store": scheme,
            "key_database": "separate" if getattr(settings, "KEYS_DATABASE", "default") != "default" else "the same",
        },
        "search": "keyed tokens; they are no evidence and are deleted at erasure",
        "evidence": {
            "models": sum(declaration.audited for declaration in known),
            "how": "row triggers, a hash chain per clinic, signed checkpoints, write-once storage",
            "timestamps": "RFC 3161, on the log of logs every ten minutes; only a hash leaves the installation"
            if getattr(settings, "TSA_URL", "")
            else "none: the clock of the server only",
        },
        "access": {
            "how": "roles confined to clinics; every page about a patient is recorded as read",
            "second_factor": "required" if getattr(settings, "STAFF_MFA_REQUIRED", False) else "optional",
            "session_hours": int(getattr(settings, "SESSION_COOKIE_AGE", 0)) // 3600,
        },
        "erasure": "the person's keys are destroyed; backups of the key database expire "
        f"within {int(getattr(settings, 'KEYS_BACKUP_DAYS', 35))} days",
    }


def _marked(value: Any, place: str = "") -> Iterator[dict[str, str]]:
    """Every place that holds the mark, by its path in the document."""
    if isinstance(value, str):
        if value.startswith(TO_COMPLETE):
            yield {"where": place, "what": value.removeprefix(f"{TO_COMPLETE}: ")}
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _marked(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            named = inner.get("activity") or inner.get("host") if isinstance(inner, Mapping) else None
            yield from _marked(inner, f"{place}[{named or number}]")
