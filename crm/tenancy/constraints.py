"""Migration operations for what Django's schema editor can't say."""

from django.db.migrations import RunSQL


def tenant_foreign_key(table: str, column: str, target: str, *, on_delete: str = "NO ACTION") -> RunSQL:
    """(tenant_id, column) -> target (tenant_id, id), checked at commit: a row can't point into another tenant."""
    name = f"{table}_{column}_same_tenant"
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (tenant_id, {column}) "
        f"REFERENCES {target} (tenant_id, id) ON DELETE {on_delete} DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def append_only(table: str, *, movable: str = "") -> RunSQL:
    """Refuse UPDATE and DELETE on a log, except in a transaction that says it is erasing.

    movable: a column that may change: whose row it is, where people are merged.
    """
    moved = f"""
            IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - '{movable}' = to_jsonb(OLD) - '{movable}' THEN
                RETURN NEW;
            END IF;"""
    return RunSQL(
        f"""
        CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF current_setting('fairway.erasing', true) = 'on' THEN
                IF TG_OP = 'DELETE' THEN RETURN OLD; ELSE RETURN NEW; END IF;
            END IF;{moved if movable else ""}
            RAISE EXCEPTION '{table} is append-only';
        END $$;
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_append_only();
        """,
        f"DROP TRIGGER {table}_append_only ON {table}; DROP FUNCTION {table}_append_only();",
    )
