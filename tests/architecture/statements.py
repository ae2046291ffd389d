"""A look at every statement that is sent: does each tenant table in it carry the tenant?

A table that is joined by one of its keys is as good as its partner: foreign keys never cross tenants (composite keys,
see test_schema.py). All others must name the open tenant, or stand below with the reason why they can't.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connection
from django_scopes import get_scope

from crm.tenancy.models import AuditEntry, TenantModel

# At most 20, each for its reason. A pattern is looked for in the statement, its blanks single and its quotes gone.
EXCEPTIONS = {
    r"FROM tenancy_apikey .*WHERE tenancy_apikey\.prefix = ": "the key tells the tenant",
    r"FROM tenancy_staffmembership .*\.user_id = ": "the memberships of one account tell its tenants",
    r"^SELECT .*FROM tenancy_tenant (t )?WHERE .*EXISTS ?\(SELECT .*FROM (timeline|customers|segments|campaigns)_": (
        "who has work"
    ),
    r"FROM outbox_outboxmessage WHERE outbox_outboxmessage\.relayed_at IS NULL ORDER BY": "one relay tells all news",
    r"^UPDATE outbox_outboxmessage SET relayed_at = .* IN \(": "the same relay marks what it sent",
    r"FROM outbox_outboxmessage WHERE relayed_at IS NULL$": "health: how much news waits, of all",
    r"FROM timeline_inboundevent WHERE is_waiting": "health: how many events wait, or are stuck, of all",
    r"FROM timeline_inboundevent WHERE dead_at IS NOT NULL$": "health: how many dead letters, of all",
    r"FROM tenancy_tenant t CROSS JOIN unnest.* LATERAL .*WHERE tenant_id = t\.id": "health: the oldest of each tenant",
    r"^WITH bins AS .*tenant_id IN \(SELECT id FROM tenancy_tenant WHERE is_active\)": "health: silent sources, of all",
    r"FROM segments_segmenttouch ORDER BY tenant_id LIMIT 1": "from tenant to tenant: who has work",
    r"FROM segments_segment s JOIN tenancy_tenant t .* s\.due_at <= ": "which tenants have segments that are due",
    r"FROM campaigns_message .*WHERE \(?campaigns_message\.id = .* tenancy_tenant\.is_active": "a token names it",
    r"^SELECT \(SELECT count\(\*\) FROM campaigns_message m WHERE m\.state": "health: what waits, of all",
    r"^DELETE FROM \w+ .*\b(relayed_at|created_at|saved_at) < ": "age alone decides what is purged",
    r"^DELETE FROM timeline_eventbody ": "age alone decides what is purged",
    r"^SELECT .*has_table_privilege": "health: asks for rights, not for rows",
}


class Statement(NamedTuple):
    sql: str
    params: str
    tenant: str | None


def tenant_tables() -> set[str]:
    return {
        model._meta.db_table
        for model in apps.get_models()
        if issubclass(model, TenantModel) or model is AuditEntry
    }


@contextmanager
def watched() -> Iterator[list[Statement]]:
    """Collects the statements of the block, with the tenant whose scope was open when each was sent."""
    seen: list[Statement] = []

    def note(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        tenant = get_scope().get("tenant") if get_scope() else None
        text = sql if isinstance(sql, str) else sql.as_string(connection.connection)
        seen.append(Statement(plain(text), str(params), str(tenant.pk) if tenant else None))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def plain(sql: str) -> str:
    return " ".join(sql.replace('"', "").split())


def without_tenant(statements: list[Statement]) -> list[str]:
    """The statements that read or write a tenant table without its tenant and are none of the exceptions."""
    tables = tenant_tables()
    return sorted(
        {
            f"{', '.join(sorted(loose))}: {one.sql[:600]}"
            for one in statements
            if (loose := _loose(one, tables)) and not any(re.search(known, one.sql) for known in EXCEPTIONS)
        }
    )


HEADS = re.compile(
    r"\b(?:FROM|UPDATE|USING)\s+(?:ONLY\s+)?([a-z_]+)"
    r"(?:\s+(?:AS\s+)?(?!SET|WHERE|ON|JOIN|INNER|LEFT|CROSS|ORDER|GROUP|LIMIT|UNION)([a-zA-Z]\w*))?"
)
INTO = re.compile(r"\bINTO\s+([a-z_]+)\s*\(([^)]*)\)")


def _loose(statement: Statement, tables: set[str]) -> set[str]:
    """The tenant tables that stand at the head of a FROM, UPDATE, INTO or USING without their tenant."""
    read = {
        table
        for table, alias in HEADS.findall(statement.sql)
        if table in tables and not _carries(statement, {table, alias} - {""})
    }
    written = {table for table, columns in INTO.findall(statement.sql) if "tenant_id" not in columns}
    return read | (written & tables)


def _carries(statement: Statement, names: set[str]) -> bool:
    sql = statement.sql
    qualified = any(
        re.search(rf"\b{name}\.tenant_id\s*(=|IN\b)|=\s*{name}\.tenant_id\b", sql) for name in names
    )
    bare = re.search(r"(?<![.\w])tenant_id\s*=", sql) is not None
    return (qualified or bare) and statement.tenant is not None and statement.tenant in statement.params + sql
