"""The capture matrix: each way to write a row, and exactly the changes it makes.

Horae's tests hold its facts against them; the benchmark holds other recorders against the same. It imports nothing but
Django and the driver, since those run where Horae does not.
"""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.core import serializers
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction
from django.db.models import F


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the writes happen: an entry (`name` of at most 200 characters, `count`, `parent`, `tags`), a tag and a
    remark (`entry`, `text`) that goes with its entry."""

    entry: type[models.Model]
    tag: type[models.Model]
    remark: type[models.Model]
    forget: Callable[[], object]
    """Takes away what was recorded so far."""
    carry: Callable[[], object] = lambda: None
    """Told before what passes Django by."""

    def made(self, count: int = 1) -> list[Any]:
        """Entries that are there already, with nothing recorded about them."""
        entries: list[Any] = _all(self.entry).bulk_create([self.entry(name=f"entry {n}") for n in range(count)])
        self.forget()
        return entries


Write = Callable[[Ground], None]


def _all(model: type[models.Model]) -> Any:
    return model._default_manager


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _create(ground: Ground) -> None:
    _all(ground.entry).create(name="Ada")


def _save(ground: Ground) -> None:
    (entry,) = ground.made()
    entry.name = "changed"
    entry.save()


def _save_expression(ground: Ground) -> None:
    (entry,) = ground.made()
    entry.count = F("count") + 1
    entry.save()
    entry.refresh_from_db()
    assert entry.count == 1


def _save_stale(ground: Ground) -> None:
    (entry,) = ground.made()
    stale = _all(ground.entry).get()
    _all(ground.entry).update(name="by somebody else")
    ground.forget()
    stale.save()  # reverts what somebody else wrote, without knowing
    assert entry.pk == stale.pk


def _save_update_fields(ground: Ground) -> None:
    (entry,) = ground.made()
    entry.name = "changed"
    entry.count = 99
    entry.save(update_fields=["name"])


def _save_deferred(ground: Ground) -> None:
    ground.made()
    entry = _all(ground.entry).only("name").get()
    entry.name = "changed"
    entry.save()


def _update_or_create(ground: Ground) -> None:
    ground.made()
    _all(ground.entry).update_or_create(name="entry 0", defaults={"count": 5})
    _all(ground.entry).update_or_create(name="another", defaults={"count": 5})


def _get_or_create(ground: Ground) -> None:
    _all(ground.entry).get_or_create(name="Ada")
    _all(ground.entry).get_or_create(name="Ada")


def _bulk_create(ground: Ground) -> None:
    made_now = _all(ground.entry).bulk_create([ground.entry(name=str(n)) for n in range(3)])
    assert [entry.pk for entry in made_now] == sorted(_all(ground.entry).values_list("pk", flat=True))


def _upsert(ground: Ground) -> None:
    entries = ground.made(3)
    for entry in entries:
        entry.count = 4
    _all(ground.entry).bulk_create(
        [*entries, ground.entry(id=entries[-1].pk + 1, name="new")],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["count"],
    )


def _bulk_update(ground: Ground) -> None:
    entries = ground.made(3)
    for entry in entries:
        entry.count = 4
    assert _all(ground.entry).bulk_update(entries, ["count"]) == 3


def _queryset_update(ground: Ground) -> None:
    ground.made(3)
    assert _all(ground.entry).update(count=9) == 3


def _raw_delete(ground: Ground) -> None:
    ground.made(3)
    assert _all(ground.entry).all()._raw_delete("default") == 3


def _delete(ground: Ground) -> None:
    (entry,) = ground.made()
    assert entry.delete()[0] == 1


def _queryset_delete(ground: Ground) -> None:
    ground.made(3)
    _all(ground.entry).all().delete()


def _cascade(ground: Ground) -> None:
    (entry,) = ground.made()
    _all(ground.entry).create(name="child", parent=entry)
    _all(ground.remark).create(entry=entry, text="goes with it")
    ground.forget()
    entry.delete()


def _relate(ground: Ground) -> None:
    (entry,) = ground.made()
    tags = _all(ground.tag).bulk_create([ground.tag(name="a"), ground.tag(name="b")])
    ground.forget()
    entry.tags.set(tags)
    entry.tags.remove(tags[0])
    entry.tags.clear()


def _raw_sql(ground: Ground) -> None:
    ground.made()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {_table(ground.entry)} SET name = 'raw'")
        assert cursor.rowcount == 1


def _raw_upsert_returning(ground: Ground) -> None:
    (entry,) = ground.made()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table(ground.tag)} (id, name) VALUES (%s, 'x')"
            " ON CONFLICT (id) DO UPDATE SET name = 'y' RETURNING id",
            [entry.pk],
        )
        assert cursor.fetchall() == [(entry.pk,)]


def _writing_cte(ground: Ground) -> None:
    ground.made(2)
    with connection.cursor() as cursor:
        cursor.execute(f"WITH gone AS (DELETE FROM {_table(ground.entry)} RETURNING id) SELECT count(*) FROM gone")
        assert cursor.fetchone() == (2,)


def _executemany(ground: Ground) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {_table(ground.tag)} (name) VALUES (%s)", [["a"], ["b"], ["c"]])


def _copy(ground: Ground) -> None:
    with transaction.atomic():
        ground.carry()
        statement = f"COPY {_table(ground.tag)} (name) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for name in "abc":
                copy.write_row([name])


def _truncate(ground: Ground) -> None:
    ground.made(3)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"TRUNCATE {_table(ground.entry)} CASCADE")


def _loaddata(ground: Ground) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(serializers.serialize("json", [ground.tag(pk=5, name="loaded")]))
        file.flush()
        call_command("loaddata", file.name, verbosity=0)


def _replica_role(ground: Ground) -> None:
    ground.made()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"UPDATE {_table(ground.entry)} SET name = 'quietly'")


def _rolled_back(ground: Ground) -> None:
    ground.made()
    with transaction.atomic():
        _all(ground.entry).create(name="never")
        _all(ground.entry).update(count=3)
        transaction.set_rollback(True)


def _failed_save(ground: Ground) -> None:
    (entry,) = ground.made()
    entry.name = "x" * 201
    for save in (entry.save, partial(_all(ground.entry).create, name=entry.name)):
        with suppress(DatabaseError):
            save()
            raise AssertionError("it is too long a name")


def _no_change(ground: Ground) -> None:
    (entry,) = ground.made()
    entry.save()
    _all(ground.entry).update(name=F("name"))


def _async_save(ground: Ground) -> None:
    async def write() -> None:
        entry = await _all(ground.entry).acreate(name="Ada")
        entry.name = "changed"
        await entry.asave()

    async_to_sync(write)()


MATRIX: Final[dict[str, tuple[Write, list[str]]]] = {
    "create": (_create, ["I entry"]),
    "save": (_save, ["U entry"]),
    "save with F()": (_save_expression, ["U entry"]),
    "save of a stale instance": (_save_stale, ["U entry"]),
    "save update_fields": (_save_update_fields, ["U entry"]),
    "save deferred": (_save_deferred, ["U entry"]),
    "update_or_create": (_update_or_create, ["U entry", "I entry"]),
    "get_or_create": (_get_or_create, ["I entry"]),
    "bulk_create": (_bulk_create, ["I entry"] * 3),
    "upsert": (_upsert, ["U entry"] * 3 + ["I entry"]),
    "bulk_update": (_bulk_update, ["U entry"] * 3),
    "queryset.update": (_queryset_update, ["U entry"] * 3),
    "_raw_delete": (_raw_delete, ["D entry"] * 3),
    "delete": (_delete, ["D entry"]),
    "queryset.delete": (_queryset_delete, ["D entry"] * 3),
    "delete with cascade and set null": (_cascade, ["U entry", "D remark", "D entry"]),
    "many to many": (_relate, ["I entry_tags"] * 2 + ["D entry_tags"] * 2),
    "raw SQL": (_raw_sql, ["U entry"]),
    "raw upsert returning": (_raw_upsert_returning, ["I tag"]),
    "writing CTE": (_writing_cte, ["D entry"] * 2),
    "executemany": (_executemany, ["I tag"] * 3),
    "COPY": (_copy, ["I tag"] * 3),
    "TRUNCATE": (_truncate, ["T entry", "T remark", "T entry_tags"]),
    "loaddata": (_loaddata, ["I tag"]),
    "replica role": (_replica_role, ["U entry"]),
    "rolled back": (_rolled_back, []),
    "failed save": (_failed_save, []),
    "no change": (_no_change, []),
    "asynchronous create and save": (_async_save, ["I entry", "U entry"]),
}
"""What each does, and its changes: I, U, D for every row or T for a table that was emptied, and whose."""
