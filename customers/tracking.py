"""The database's side of a profile's history, for migrations: triggers that write it and the view that reads it."""

from collections.abc import Iterable

from django.db.migrations import RunSQL

NOTHING = "'{}'::jsonb"
FUNCTION = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    context jsonb := COALESCE(NULLIF(current_setting('fairway.context', true), ''), '{{}}')::jsonb;
BEGIN
    -- A field is stamped when its stamp moved with it; what moves without one was done in the database itself. Where
    -- older words are brought back, that is an act of its own, and the context has its stamp.
    INSERT INTO {log} (tenant_id, customer_id, changes, tier, version, at, rank, event, source, by, request_id)
    SELECT tenant_id, id, jsonb_object_agg(name, pair),
           COALESCE((stamp->>0)::smallint, 1), COALESCE((stamp->>1)::bigint, 0),
           COALESCE('epoch'::timestamptz + (stamp->>2)::bigint * interval '1 microsecond', clock_timestamp()),
           COALESCE((stamp->>3)::smallint, 0), COALESCE(left(stamp->>4, 200), ''),
           COALESCE(left(stamp->>5, 50), CASE WHEN context ? 'by' THEN 'crm' ELSE 'database' END),
           COALESCE(context->>'by', 'database:' || session_user), COALESCE(context->>'request', '')
    FROM (
        SELECT tenant_id, id, name, pair, CASE WHEN context ? 'stamp' THEN context->'stamp'
            WHEN now_stamp IS DISTINCT FROM old_stamp THEN now_stamp END AS stamp
        FROM ({changed}) changed
        CROSS JOIN LATERAL jsonb_each(changes) AS field (name, pair)
        CROSS JOIN LATERAL (
            SELECT COALESCE(stamps->name, stamps->split_part(name, '.', 1)) AS now_stamp,
                   COALESCE(old_stamps->name, old_stamps->split_part(name, '.', 1)) AS old_stamp
        ) told
    ) one
    GROUP BY tenant_id, id, stamp;
    RETURN NULL;
END $$;
"""
VIEW = """
CREATE OR REPLACE VIEW {view} AS
SELECT * FROM (
    SELECT w.tenant_id, w.id || '.' || field.name AS id, w.customer_id, field.name AS field,
           CASE WHEN w.is_erased THEN NULL
                WHEN row_number() OVER chain = 1 THEN NULLIF(field.pair->0, 'null')
                ELSE NULLIF(lag(field.pair->1) OVER chain, 'null') END AS before,
           NULLIF(field.pair->1, 'null') AS after,
           w.at, w.event, w.source, w.by, w.request_id, w.recorded_at, w.is_erased
    FROM {log} w CROSS JOIN LATERAL jsonb_each(w.changes) AS field (name, pair)
    WINDOW chain AS (
        PARTITION BY w.tenant_id, w.customer_id, field.name
        ORDER BY w.tier, w.version, w.at, w.rank, w.event, w.id
    )
) chained
WHERE before IS DISTINCT FROM after OR is_erased
"""


def track_history(
    table: str, log: str, *, texts: Iterable[str], values: Iterable[str], maps: Iterable[str]
) -> RunSQL:
    """Write to `log` what an INSERT or UPDATE of `table` does to the columns, in statement-level triggers.

    texts: where blank stands for nothing. maps: JSON objects that are followed key by key.
    Naming other columns later replaces the functions.
    """
    texts, values, maps = tuple(texts), tuple(values), tuple(maps)
    changed = {"update": _updated(texts, values, maps), "insert": _inserted(texts, values, maps)}
    functions = "".join(
        FUNCTION.format(function=f"{log}_on_{act}", log=log, changed=rows) for act, rows in changed.items()
    )
    triggers = f"""
        CREATE OR REPLACE TRIGGER {log}_on_update AFTER UPDATE ON {table}
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION {log}_on_update();
        CREATE OR REPLACE TRIGGER {log}_on_insert AFTER INSERT ON {table}
            REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION {log}_on_insert();
    """
    undo = "".join(
        f"DROP TRIGGER {log}_on_{act} ON {table}; DROP FUNCTION {log}_on_{act}();"
        for act in ("update", "insert")
    )
    return RunSQL(functions + triggers, undo)


def history_view(view: str, log: str) -> RunSQL:
    """One row for each field of a write, with the value before it."""
    return RunSQL(VIEW.format(view=view, log=log), f"DROP VIEW {view}")


def _updated(texts: tuple[str, ...], values: tuple[str, ...], maps: tuple[str, ...]) -> str:
    """Rows of which a column differs; the cheap comparison comes first, since most writes only move stamps."""
    pieces = [
        *(_pair(name, f"o.{name} <> n.{name}", f"NULLIF(o.{name}, ''), NULLIF(n.{name}, '')") for name in texts),
        *(_pair(name, f"o.{name} IS DISTINCT FROM n.{name}", f"o.{name}, n.{name}") for name in values),
        *(_by_key(name, before=f"o.{name}") for name in maps),
    ]  # fmt: skip
    columns = (*texts, *values, *maps)
    was, is_now = (", ".join(f"{row}.{name}" for name in columns) for row in "on")
    return f"""
        SELECT n.tenant_id, n.id, n.provenance AS stamps, o.provenance AS old_stamps,
               {" || ".join(pieces)} AS changes
        FROM new_rows n JOIN old_rows o ON o.tenant_id = n.tenant_id AND o.id = n.id
        WHERE ({was}) IS DISTINCT FROM ({is_now})"""  # noqa: S608 - names of columns, from migrations


def _inserted(texts: tuple[str, ...], values: tuple[str, ...], maps: tuple[str, ...]) -> str:
    """What somebody wrote, not the defaults."""
    pieces = [
        *(_pair(name, f"n.provenance ? '{name}' AND n.{name} <> ''", f"NULL, n.{name}") for name in texts),
        *(_pair(name, f"n.provenance ? '{name}' AND n.{name} IS NOT NULL", f"NULL, n.{name}") for name in values),
        *(_by_key(name, before=NOTHING) for name in maps),
    ]  # fmt: skip
    return f"""
        SELECT n.tenant_id, n.id, n.provenance AS stamps, {NOTHING} AS old_stamps,
               {" || ".join(pieces)} AS changes
        FROM new_rows n"""  # noqa: S608


def _pair(name: str, condition: str, pair: str) -> str:
    return (
        f"CASE WHEN {condition} THEN jsonb_build_object('{name}', jsonb_build_array({pair})) "
        f"ELSE {NOTHING} END"
    )


def _by_key(name: str, *, before: str) -> str:
    return f"""
        CASE WHEN {before} IS DISTINCT FROM n.{name} THEN (
            SELECT COALESCE(jsonb_object_agg('{name}.' || key, jsonb_build_array({before}->key, n.{name}->key)),
                            {NOTHING})
            FROM jsonb_object_keys({before} || n.{name}) AS key
            WHERE {before}->key IS DISTINCT FROM n.{name}->key
        ) ELSE {NOTHING} END"""  # noqa: S608


TOUCH = """
CREATE OR REPLACE FUNCTION {table}_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := greatest(clock_timestamp(), OLD.updated_at);
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER {table}_touch BEFORE UPDATE ON {table} FOR EACH ROW
    WHEN (NEW.updated_at = OLD.updated_at AND NEW.version = OLD.version AND ({was}) IS DISTINCT FROM ({is_now}))
    EXECUTE FUNCTION {table}_touch();
"""


def touch_on_change(table: str, columns: Iterable[str]) -> RunSQL:
    """Where SQL changes one of the columns and forgets `updated_at` and `version`, the database keeps them."""
    names = tuple(columns)
    was, is_now = (", ".join(f"{row}.{name}" for name in names) for row in ("OLD", "NEW"))
    return RunSQL(
        TOUCH.format(table=table, was=was, is_now=is_now),
        f"DROP TRIGGER {table}_touch ON {table}; DROP FUNCTION {table}_touch();",
    )
