"""`python -m tests.bench.recorders.subject`: one recorder at work, asked line by line in JSON.

`{"ask": "about"}` answers `{"versions": {...}}`; `"matrix"` what it recorded of each write of `tests.audit.writes`, or
the name of the error the write ended with; `"time"` with `what` and `runs` the seconds of each run; `"trips"` with
`what` how many statements went to the server in one run; `"kept"` the bytes it keeps for each of some changes.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module, metadata
from typing import Any, Final

import django
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F

from tests.audit.writes import MATRIX, Ground

django.setup()
models: Any = import_module("tests.bench.recorders.models")
recorder: Any = models.RECORDER
GROUND: Final = Ground(models.Entry, models.Tag, models.Remark, forget=recorder.forget)
MANY: Final = 1000
"""Rows of a bulk write."""
BULK: Final = 9
"""The clinic of rows that are written in bulk."""
CHANGES: Final = 300
SHOWN: Final = ("django", "psycopg", f"django-{os.environ['RECORDER'].replace('_', '-')}")


@dataclass(frozen=True, slots=True)
class Timed:
    """A write whose time is taken; what `prepare` made is given to it, and `clear` takes away what it left."""

    write: Callable[[Any], object]
    prepare: Callable[[], Any] = lambda: None
    clear: Callable[[], object] = lambda: None


def _changed() -> Any:
    (entry,) = GROUND.made()
    entry.name = "changed"
    entry.count = 5
    return entry


def _transaction(entry: Any) -> None:
    with transaction.atomic():
        models.Entry.objects.create(name="Ada")
        entry.save()
        entry.status = "kept"
        entry.save(update_fields=["status"])


def _rows() -> list[Any]:
    return [models.Entry(name=f"row {number}", clinic=BULK) for number in range(MANY)]


def _same_rows() -> None:
    if not _bulk().exists():
        models.Entry.objects.bulk_create(_rows())


def _bulk() -> Any:
    return models.Entry.objects.filter(clinic=BULK)


def _empty() -> None:
    _bulk()._raw_delete("default")
    recorder.forget()


TIMED: Final = {
    "create": Timed(lambda _: models.Entry.objects.create(name="Ada")),
    "save": Timed(lambda entry: entry.save(), prepare=_changed),
    "save update_fields": Timed(lambda entry: entry.save(update_fields=["name"]), prepare=_changed),
    "delete": Timed(lambda entry: entry.delete(), prepare=_changed),
    "transaction of three": Timed(_transaction, prepare=_changed),
    "bulk_create": Timed(models.Entry.objects.bulk_create, prepare=_rows, clear=_empty),
    "queryset.update": Timed(lambda _: _bulk().update(count=F("count") + 1), prepare=_same_rows, clear=recorder.forget),
}


def about() -> dict[str, Any]:
    """Versions of what takes part."""
    found = {}
    for name in SHOWN:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"versions": found}


def matrix() -> dict[str, Any]:
    """Every write once, each in a new act of somebody."""
    found: dict[str, Any] = {}
    for name, (write, _) in MATRIX.items():
        recorder.forget()
        try:
            with recorder.acting():
                write(GROUND)
        except Exception as error:  # noqa: BLE001 - that it ends so is the finding
            found[name] = type(error).__name__
        else:
            found[name] = recorder.recorded()
        with connection.cursor() as cursor:
            tables = (models.Entry, models.Tag, models.Remark)
            cursor.execute(f"TRUNCATE {', '.join(model._meta.db_table for model in tables)} CASCADE")
    recorder.forget()
    return found


def timed(what: str, runs: int) -> dict[str, Any]:
    """So many runs, each a new act of somebody that began before."""
    chosen, seconds = TIMED[what], []
    gc.collect()
    for _ in range(runs):
        given = chosen.prepare()
        with recorder.acting():
            began = time.perf_counter()
            chosen.write(given)
            seconds.append(time.perf_counter() - began)
        chosen.clear()
    return {"seconds": seconds}


def trips(what: str) -> dict[str, Any]:
    """One run, by a wrapper that stands behind every other: what passes it goes to the server."""
    sent = 0

    def counted(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal sent
        sent += 1
        return execute(*arguments)

    chosen = TIMED[what]
    given = chosen.prepare()
    with recorder.acting(), connection.execute_wrapper(counted):
        chosen.write(given)
    chosen.clear()
    return {"trips": sent}


def kept() -> dict[str, Any]:
    """What the tables and indexes of the log grow by, for each of as many creates as saves."""
    settled = getattr(recorder, "settled", lambda: None)
    settled()
    before = _size()
    for _ in range(CHANGES // 2):
        with recorder.acting():
            entry = models.Entry.objects.create(name="Ada")
            entry.name = "changed"
            entry.save()
    settled()
    return {"bytes": (_size() - before) / CHANGES}


def _size() -> int:
    with connection.cursor() as cursor:
        total = 0
        for table in recorder.LOG:
            cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [table])
            total += cursor.fetchone()[0]
    return total


def main() -> None:
    """Make the tables, then answer until the input ends. What a recorder prints goes to the error output."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for syncdb in (False, True):  # what others bring by migrations first: some of our tables refer to it
        call_command("migrate", run_syncdb=syncdb, verbosity=0, interactive=False)
    recorder.install()
    does: dict[str, Callable[..., dict[str, Any]]] = {
        "about": about,
        "matrix": matrix,
        "time": timed,
        "trips": trips,
        "kept": kept,
    }
    for line in sys.stdin:
        asked = json.loads(line)
        answer = partial(does[asked.pop("ask")], **asked)()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
