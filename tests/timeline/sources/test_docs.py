from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from timeline.docs import render

EVENTS_PAGE = Path(__file__).parents[3] / "docs" / "events.md"


def test_the_page_of_events_is_current():
    assert EVENTS_PAGE.read_text("utf-8") == render()
    call_command("describe_events", "--check")


def test_the_page_is_written_where_the_project_is(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    with pytest.raises(CommandError, match="not current"):
        call_command("describe_events", "--check")
    call_command("describe_events", stdout=StringIO())
    assert (tmp_path / "docs" / "events.md").read_text("utf-8") == render()
