"""The database's side of live segments, for migrations: triggers that note whom a statement changed something about.

Statement-level, one INSERT each; who is noted twice is looked at once.
"""

from collections.abc import Iterable, Mapping

from django.db.migrations import RunSQL

INSERT = "INSERT INTO segments_segmenttouch (tenant_id, customer_id) SELECT DISTINCT tenant_id, person FROM"
FUNCTION = """
CREATE OR REPLACE FUNCTION {name}_on_{act}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {insert} ({rows}) touched WHERE person IS NOT NULL;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER {name}_on_{act} AFTER {event} ON {table}
    REFERENCING {tables}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}_on_{act}();
"""
OLD, NEW = "OLD TABLE AS before", "NEW TABLE AS now_so"
# The events of the past come with a word of their own: what they fill sets nothing off.
PAST = """
CREATE FUNCTION segments_past_on_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO segments_segmenttouch (tenant_id, customer_id, cause)
    SELECT DISTINCT n.tenant_id, coalesce(p.root_id, n.customer_id), 'HISTORICAL'
    FROM now_so n JOIN before b ON b.id = n.id
    LEFT JOIN customers_profilepart p ON p.tenant_id = n.tenant_id AND p.customer_id = n.customer_id
    WHERE n.historical AND n.status = 'SUCCESS' AND b.status <> 'SUCCESS' AND n.customer_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER segments_past_on_update AFTER UPDATE ON timeline_inboundevent
    REFERENCING OLD TABLE AS before NEW TABLE AS now_so
    FOR EACH STATEMENT EXECUTE FUNCTION segments_past_on_update();
"""
UNDO_PAST = """
DROP TRIGGER segments_past_on_update ON timeline_inboundevent;
DROP FUNCTION segments_past_on_update();
"""


def touch_people(
    table: str, columns: Iterable[str], *, person: str = "customer_id", key: str = "id"
) -> RunSQL:
    """Note whose rows of `table` come, go, or have another value in one of the columns.

    person: the column that says whose a row is; a row that goes over to somebody else counts for both.
    Naming other columns later replaces the functions.
    """
    name = f"segments_touch_{table.partition('_')[2]}"
    was, is_now = (", ".join(f"{row}.{column}" for column in columns) for row in ("b", "n"))
    updated = f"""
        SELECT n.tenant_id, one.person FROM now_so n JOIN before b ON b.{key} = n.{key}
        CROSS JOIN LATERAL (VALUES (n.{person}), (b.{person})) AS one (person)
        WHERE n.{person} IS DISTINCT FROM b.{person} OR ({was}) IS DISTINCT FROM ({is_now})"""  # noqa: S608
    acts = {
        "insert": ("INSERT", NEW, f"SELECT tenant_id, {person} AS person FROM now_so"),  # noqa: S608
        "update": ("UPDATE", f"{OLD} {NEW}", updated),
        "delete": ("DELETE", OLD, f"SELECT tenant_id, {person} AS person FROM before"),  # noqa: S608
    }
    return _triggers(name, table, acts)


def touch_others(name: str, table: str, columns: Iterable[str], *, people: str) -> RunSQL:
    """Note those whom rows of another table tell of: who played in a booking, when the booking changes.

    people: the FROM and ON that lead from the row `r` to `person`, such as "other_table person ON …".
    """
    name = f"segments_touch_{name}"
    was, is_now = (", ".join(f"{row}.{column}" for column in columns) for row in ("b", "r"))
    said = f"SELECT person.tenant_id, person.customer_id AS person FROM {{rows}} JOIN {people}"  # noqa: S608
    changed = f"now_so r JOIN before b ON b.id = r.id AND ({was}) IS DISTINCT FROM ({is_now})"
    acts = {
        "insert": ("INSERT", NEW, said.format(rows="now_so r")),
        "update": ("UPDATE", f"{OLD} {NEW}", said.format(rows=changed)),
        "delete": ("DELETE", OLD, said.format(rows="before r")),
    }
    return _triggers(name, table, acts)


def touch_past() -> RunSQL:
    """Note of whom an event of the past told."""
    return RunSQL(PAST, UNDO_PAST)


def _triggers(name: str, table: str, acts: Mapping[str, tuple[str, str, str]]) -> RunSQL:
    """acts: word -> the event, its transition tables, and a query of tenant_id and person."""
    make = "".join(
        FUNCTION.format(name=name, act=act, event=event, table=table, tables=tables, rows=rows, insert=INSERT)
        for act, (event, tables, rows) in acts.items()
    )
    drop = "".join(
        f"DROP TRIGGER {name}_on_{act} ON {table}; DROP FUNCTION {name}_on_{act}();" for act in acts
    )
    return RunSQL(make, drop)
