"""Bad patterns, found by their syntax. Each rule is shown to bite on a bad line before it is trusted on ours."""

import ast
import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings

from tests.architecture.sources import (
    ROOT,
    Source,
    calls,
    is_constant,
    keywords,
    place,
    read,
    sources,
)

Rule = Callable[[Source], Iterator[str]]
LONGEST_ETA = 300  # seconds; what is due later is a row

# What opens a connection, and the arguments of which one says how long it may take.
NETWORK = {
    r"requests\.(get|post|put|patch|delete|head|request|Session\(\)\.\w+)": {"timeout"},
    r"(urllib\.request\.)?urlopen": {"timeout"},
    r"(http\.client\.)?HTTPS?Connection": {"timeout"},
    r"(socket\.)?create_connection": {"timeout"},
    r"(smtplib\.)?SMTP(_SSL)?": {"timeout"},
    r"(jwt\.)?PyJWKClient": {"timeout"},
    r"((redis\.)?Redis|StrictRedis)(\.from_url)?": {"socket_timeout"},
    r"httpx\.\w+": {"timeout"},
}
SECRET = re.compile(r"(^|[._])(signature|secret|digest|hmac|password|token_hash|mac)$")
SQL_CALLS = re.compile(r"(^|\.)(execute|executemany|RawSQL|raw|extra|run|select)$")
# SQL put together from parts: from constants of the same file, each for its reason.
COMPOSED = {
    "timeline/ingestion.py": "CLAIM has one of two constant conditions put in",
    "crm/outbox/relay.py": "constants only",
}


# The one place whose markup is computed and trusted.
SANITISED = {
    "timeline/admin/prose.py": "Markdown that has passed the parser and the allow-list of timeline.markdown"
}


def waits_for_ever(source: Source) -> Iterator[str]:
    """F5: a call over the network without a time-out."""
    for call, name in calls(source):
        for pattern, wanted in NETWORK.items():
            if re.fullmatch(pattern, name) and not keywords(call) & {*wanted, "**"}:
                yield f"{place(source, call)}: {name} without {' or '.join(wanted)}"


def compares_secrets(source: Source) -> Iterator[str]:
    """W8: a secret compared with ==, which takes the longer the more of it is right."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            for side in (node.left, *node.comparators):
                if SECRET.search(ast.unparse(side)) and not any(
                    isinstance(other, ast.Constant) for other in (node.left, *node.comparators)
                ):
                    yield f"{place(source, node)}: {ast.unparse(node)}: use compare_digest"


def trusts_markup(source: Source) -> Iterator[str]:
    """X1: text declared safe that does not stand in the source."""
    for call, name in calls(source):
        if source.path in SANITISED:
            continue
        if name.rpartition(".")[2] in ("mark_safe", "SafeString", "SafeText"):
            if call.args and not is_constant(call.args[0]):
                yield f"{place(source, call)}: {name} of something computed"
        elif name.rpartition(".")[2] == "format_html":
            if not call.args or not (is_constant(call.args[0]) or _is_translated(call.args[0])):
                yield f"{place(source, call)}: format_html whose format is computed"
        elif name.rpartition(".")[2] == "format_html_join" and not is_constant(call.args[1]):
            yield f"{place(source, call)}: format_html_join whose format is computed"


def _is_translated(node: ast.AST) -> bool:
    """Text of the source in another language: translations are part of the source."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("_", "_t") and is_constant(node.args[0])


def composes_sql(source: Source) -> Iterator[str]:
    """X8: a statement put together from values."""
    for call, name in calls(source):
        if not SQL_CALLS.search(name) or not call.args or source.path in COMPOSED:
            continue
        text = call.args[0]
        formatted = isinstance(text, ast.Call) and ast.unparse(text.func).endswith(".format")
        is_sql = formatted and "sql.SQL" in ast.unparse(
            text
        )  # psycopg's own composition quotes what it takes
        mixed = isinstance(text, ast.JoinedStr) and not is_constant(text)
        added = isinstance(text, ast.BinOp) and not _of_constants(text)
        if mixed or added or (formatted and not is_sql):
            yield f"{place(source, call)}: {name}({ast.unparse(text)[:60]}…): pass values as parameters"


def _of_constants(node: ast.AST) -> bool:
    """Pieces that stand in the source, or constants of it by their names."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _of_constants(node.left) and _of_constants(node.right)
    return is_constant(node) or (isinstance(node, ast.Name) and node.id.isupper())


def leaves_its_tenant(source: Source) -> Iterator[str]:
    """A query across tenants without its reason beside it."""
    for call, name in calls(source):
        if name == "scopes_disabled":
            line = source.lines[call.lineno - 1]
            if len(line.partition("#")[2].strip()) < 10:
                yield f"{place(source, call)}: scopes_disabled() without its reason in a comment"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in ("_base_manager", "objects_unscoped"):
            line = source.lines[node.lineno - 1]
            if "#" not in line:
                yield f"{place(source, node)}: {node.attr} without its reason in a comment"


def waits_in_the_broker(source: Source) -> Iterator[str]:
    """Q2: a message that waits for its time in Redis is handed out again and again."""
    for call, name in calls(source):
        for keyword in call.keywords:
            if keyword.arg not in ("countdown", "eta"):
                continue
            seconds = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg == "eta" or not isinstance(seconds, int | float) or seconds > LONGEST_ETA:
                yield f"{place(source, call)}: {name}({keyword.arg}=…): what is due later is a row with a time"


RULES: dict[Rule, tuple[str, ...]] = {
    waits_for_ever: (
        "requests.get(url)", "Redis.from_url(url, retry=None)", "http.client.HTTPConnection(host, 80)",
    ),
    compares_secrets: ("if header == signature: pass", "x = request.secret != self.secret"),
    trusts_markup: (
        "mark_safe(name)", "format_html(f'<b>{name}</b>')", "SafeString('<b>' + name)", "format_html(template, 1)",
    ),
    composes_sql: (
        "cursor.execute(f'SELECT {x}')", "cursor.execute('SELECT ' + x)", "select(SQL.format(x=x), [])",
        "cursor.execute('SELECT %s' % x)", "RawSQL(f'{x} > 1', [])",
    ),
    leaves_its_tenant: ("with scopes_disabled():\n    pass", "Model._base_manager.all()"),
    waits_in_the_broker: ("task.apply_async(eta=at)", "task.apply_async(countdown=3600)", "self.retry(countdown=n)"),
}  # fmt: skip
FINE = """
requests.get(url, timeout=5)
hmac.compare_digest(header, signature)
format_html("<b>{}</b>", name)
cursor.execute("SELECT %s", [x])
run(sql.SQL("SELECT {}").format(sql.Identifier(x)), [])
with scopes_disabled():  # the key tells the tenant
    pass
task.apply_async(countdown=5)
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_rule_bites_and_lets_what_is_fine_pass(rule: Rule) -> None:
    for bad in RULES[rule]:
        assert list(rule(read("bad.py", bad))), bad
    assert list(rule(read("fine.py", FINE))) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_source_breaks_it(rule: Rule) -> None:
    assert [found for source in sources() for found in rule(source)] == []


STAND_ALONE = {"disclosure.html"}  # a file that is handed out has its style in itself, and is no page of ours


def test_templates_escape_everything() -> None:
    """X1: no `|safe`, no block without escaping, no script or style inside a page."""
    bad = re.compile(
        r"\|\s*safe\b|autoescape off|safeseq|<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+=|javascript:"
    )
    allowed = re.compile(r'<script[^>]*type="application/json"')
    pages = sorted(
        path for folder in ROOT.glob("**/templates") if not _foreign(folder) for path in folder.rglob("*.*")
    )
    assert len(pages) > 20
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in pages
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if bad.search(line) and not allowed.search(line) and path.name not in STAND_ALONE
    ]
    assert found == []


def _foreign(folder: object) -> bool:
    return any(part in str(folder) for part in (".venv", "/var/", "node_modules"))


def test_redeliveries_of_the_broker_come_after_every_time_limit() -> None:
    """Q2: the visibility time-out is three times the longest hard limit."""
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    assert not options or options["visibility_timeout"] >= 3 * settings.CELERY_TASK_TIME_LIMIT


def test_no_task_has_a_longer_limit_of_its_own() -> None:
    from celery import current_app

    current_app.loader.import_default_modules()
    for name, task in current_app.tasks.items():
        assert (task.time_limit or 0) <= settings.CELERY_TASK_TIME_LIMIT, name
