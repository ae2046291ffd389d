"""docs/operations.md and the runbooks speak of what there is."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.test import Client

from crm.outbox.models import OutboxMessage
from timeline.stream import Consumer

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [DOCS / "operations.md", DOCS / "events-out.md", *sorted((DOCS / "runbooks").glob("*.md"))]
OPERATIONS = (DOCS / "operations.md").read_text()


def test_every_variable_that_settings_read_is_documented():
    settings = (DOCS.parent / "crm" / "settings.py").read_text()
    names = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", settings)) - {
        "CRM_DATABASE_URL",
        "CRM_SECRET_KEY",
        "PORT",
    }
    assert len(names) > 20
    assert [name for name in sorted(names) if f"`{name}`" not in OPERATIONS] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere_and_commands_exist(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#]+)", text):
        if link != "api.md":
            assert (page.parent / link).exists(), link
    for command in re.findall(r"manage\.py (\w+)", text):
        assert command in get_commands(), command


def test_every_alert_asks_for_a_metric_that_there_is(tenant, redis):
    redis.xadd("crm-events", {"name": "x", "data": "{"})
    Consumer("test").run(once=True)
    assert not OutboxMessage.objects.exists()
    scraped = Client().get("/metrics").content.decode()
    for name in set(re.findall(r"fairway_\w+", OPERATIONS)) - {"fairway_owner", "fairway_app"}:
        assert f"# TYPE {name.removesuffix('_total')}" in scraped or f"# TYPE {name} " in scraped, name


def test_every_runbook_that_doctor_names_exists():
    source = (DOCS.parent / "crm" / "health" / "diagnosis.py").read_text()
    for name in re.findall(r"\{RUNBOOKS\}/([\w-]+\.md)", source):
        assert (DOCS / "runbooks" / name).exists(), name
