"""The functions that write facts, as text: what the triggers and the application call inside the database.

Three rules hold in here: a fact never stops a business write (no constraint, no parsing, no lock on the fact's table),
it costs no query plan (no diff, no look-up), and nothing a session can set changes what an image looks like.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

IMAGE_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "iso_8601",
        "bytea_output": "hex",
        "extra_float_digits": "1",
    }
)
"""Session settings under which `to_jsonb(row)` is the image of a row: set them before comparing a table with images."""

WATCHES: Final[Mapping[str, str]] = MappingProxyType({"ddl_command_end": "audit_ddl", "sql_drop": "audit_ddl_drop"})
"""The event triggers that call `audit_ddl()`, by their event."""

# `*=` compares the stored bytes. IS NOT DISTINCT FROM has no answer for `json` columns (it would stop the write) and
# takes two spellings for one under a case-insensitive collation (it would miss the change).
_ROW: Final = """
DECLARE
  was jsonb;
  becomes jsonb;
  image jsonb;
  clinic text;
  secret text;
  plain text;
BEGIN
  IF TG_OP = 'UPDATE' AND OLD *= NEW THEN
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    was := to_jsonb(OLD);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    becomes := to_jsonb(NEW);
  END IF;
  IF TG_ARGV[2] <> '' THEN
    FOREACH secret IN ARRAY string_to_array(TG_ARGV[2], ',') LOOP
      plain := was->>secret;
      IF plain IS NOT NULL THEN
        was := jsonb_set(was, ARRAY[secret], to_jsonb(encode(sha256(convert_to(plain, 'UTF8')), 'hex')));
      END IF;
      plain := becomes->>secret;
      IF plain IS NOT NULL THEN
        becomes := jsonb_set(becomes, ARRAY[secret], to_jsonb(encode(sha256(convert_to(plain, 'UTF8')), 'hex')));
      END IF;
    END LOOP;
  END IF;
  image := coalesce(becomes, was);
  IF TG_ARGV[0] <> '' THEN
    clinic := image->>TG_ARGV[0];
    IF TG_OP = 'UPDATE' AND was->>TG_ARGV[0] IS DISTINCT FROM clinic THEN
      clinic := NULL;
    END IF;
  END IF;
  INSERT INTO {schema}.audit_fact (source, chain, tbl, op, pk, old, new, ctx, db_user, app_name)
  VALUES ('t', coalesce('clinic/' || clinic, 'platform'), TG_TABLE_NAME, left(TG_OP, 1), image->>TG_ARGV[1],
          was, becomes, nullif(current_setting('audit.ctx', true), ''), session_user,
          current_setting('application_name', true));
  RETURN NULL;
END
"""

_TRUNCATE: Final = """
BEGIN
  INSERT INTO {schema}.audit_fact (source, chain, tbl, op, ctx, db_user, app_name)
  VALUES ('t', 'platform', TG_TABLE_NAME, 'T',
          nullif(current_setting('audit.ctx', true), ''), session_user, current_setting('application_name', true));
  RETURN NULL;
END
"""

_CARRY: Final = """
BEGIN
  PERFORM set_config('audit.ctx', coalesce(ctx, ''), true);
  IF expects IS NOT NULL THEN
    INSERT INTO {schema}.audit_fact (source, new, ctx, db_user, app_name)
    VALUES ('s', expects, ctx, session_user, current_setting('application_name', true));
  END IF;
END
"""

_NOTE: Final = """
BEGIN
  INSERT INTO {schema}.audit_fact (source, chain, new, ctx, db_user, app_name)
  VALUES ('a', CASE WHEN chain ~ '^(heads|clinic/[0-9]+)$' THEN chain ELSE 'platform' END, event,
          nullif(current_setting('audit.ctx', true), ''), session_user, current_setting('application_name', true));
END
"""

# What a command on the structure touched, one fact for each object; DROP is told by another event than the rest. A
# session's own objects (temporary tables) are nobody's business. Where the table of facts is itself taken away, by
# undoing the migrations, there is nothing left to write to.
_DDL: Final = r"""
DECLARE
  touched record;
BEGIN
  IF to_regclass('{schema}.audit_fact') IS NULL THEN
    RETURN;
  END IF;
  IF TG_EVENT = 'sql_drop' THEN
    FOR touched IN
      SELECT object_type AS kind, schema_name AS place, object_identity AS identity, NULL::oid AS id
      FROM pg_event_trigger_dropped_objects() WHERE (original OR normal) AND NOT is_temporary
    LOOP
      PERFORM {schema}.audit_ddl_fact(TG_TAG, touched.kind, touched.place, touched.identity, touched.id);
    END LOOP;
    RETURN;
  END IF;
  FOR touched IN
    SELECT object_type AS kind, schema_name AS place, object_identity AS identity,
           CASE WHEN classid = 'pg_class'::regclass THEN objid END AS id
    FROM pg_event_trigger_ddl_commands() WHERE NOT in_extension AND coalesce(schema_name, '') NOT LIKE 'pg\_temp%'
  LOOP
    PERFORM {schema}.audit_ddl_fact(TG_TAG, touched.kind, touched.place, touched.identity, touched.id);
  END LOOP;
END
"""

_DDL_FACT: Final = """
DECLARE
  off text[];
BEGIN
  SELECT array_agg(tgname::text ORDER BY tgname) INTO off FROM pg_trigger
  WHERE tgrelid = relation AND tgname IN ('audit_row', 'audit_truncate') AND tgenabled <> 'A';
  INSERT INTO {schema}.audit_fact (source, chain, new, ctx, db_user, app_name)
  VALUES ('a', 'platform',
          jsonb_build_object('name', 'ddl', 'about', left(identity, 200), 'retention', 'regulatory_retention',
                             'data', jsonb_build_object('command', command, 'kind', kind, 'object', identity,
                                                        'schema', place, 'triggers_off', to_jsonb(off))),
          nullif(current_setting('audit.ctx', true), ''), session_user, current_setting('application_name', true));
END
"""


@dataclass(frozen=True, slots=True)
class _Function:
    signature: str
    returns: str
    body: str
    public: bool
    """Whether the runtime role may call it. A trigger fires without that right; only its owner may attach it."""

    @property
    def name(self) -> str:
        return self.signature.partition("(")[0]


_FUNCTIONS: Final = (
    _Function("audit_row()", "trigger", _ROW, public=False),
    _Function("audit_truncate()", "trigger", _TRUNCATE, public=False),
    _Function("audit_carry(ctx text, expects jsonb)", "void", _CARRY, public=True),
    _Function("audit_note(event jsonb, chain text)", "void", _NOTE, public=True),
    _Function(
        "audit_ddl_fact(command text, kind text, place text, identity text, relation oid)",
        "void",
        _DDL_FACT,
        public=False,
    ),
    _Function("audit_ddl()", "event_trigger", _DDL, public=False),
)


def version() -> str:
    """Names the text of the functions, so that changing it asks for a migration."""
    return hashlib.sha256(repr((_FUNCTIONS, sorted(IMAGE_SETTINGS.items()))).encode()).hexdigest()[:16]


def function_statements(*, schema: str) -> Iterator[str]:
    """SQL that creates or replaces the functions in `schema`, where the fact table lies."""
    place = quote(schema)
    pins = " ".join(f"SET \"{name}\" = '{value}'" for name, value in IMAGE_SETTINGS.items())
    for function in _FUNCTIONS:
        body = function.body.replace("{schema}", place)
        yield (
            f"CREATE OR REPLACE FUNCTION {place}.{function.signature} RETURNS {function.returns} LANGUAGE plpgsql"
            f" SECURITY DEFINER SET search_path = pg_catalog, pg_temp {pins} AS $body${body}$body$"
        )
        if not function.public:
            yield f"REVOKE ALL ON FUNCTION {place}.{function.signature} FROM PUBLIC"
    # Facts live for a second: without this, dead entries pile up at the end the sequencer reads.
    yield (
        f"ALTER TABLE {place}.audit_fact SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"
    )


def drop_function_statements(*, schema: str) -> Iterator[str]:
    """SQL that removes the functions again; refused by PostgreSQL while a trigger uses one."""
    for name in WATCHES.values():
        yield f"DROP EVENT TRIGGER IF EXISTS {name}"
    for function in reversed(_FUNCTIONS):
        yield f"DROP FUNCTION IF EXISTS {quote(schema)}.{function.signature}"


def altered(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of functions that are missing, or whose text or settings are not these."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.proname, n.nspname, p.prosrc, p.prosecdef, p.proconfig
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = current_schema() AND p.proname = ANY(%s)
            """,
            [[function.name for function in _FUNCTIONS]],
        )
        installed = {name: rest for name, *rest in cursor.fetchall()}
    pins = {"search_path=pg_catalog, pg_temp", *(f"{name}={value}" for name, value in IMAGE_SETTINGS.items())}
    found = []
    for function in _FUNCTIONS:
        schema, source, definer, config = installed.get(function.name, ("", "", False, None))
        expected = function.body.replace("{schema}", quote(schema))
        if source != expected or not definer or set(config or ()) != pins:
            found.append(function.name)
    return found


def quote(name: str) -> str:
    """An identifier as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'
