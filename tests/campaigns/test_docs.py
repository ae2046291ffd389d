"""What the documentation says of messages' words."""

from pathlib import Path

from campaigns.liquid import TEXT
from campaigns.personalisation import VARIABLES

PAGE = (Path(__file__).parents[2] / "docs/templates.md").read_text()


def test_every_variable_is_in_the_table() -> None:
    for one in VARIABLES.values():
        assert f"| `{one.name}` | {one.description} | {one.kind.value} |" in PAGE


def test_every_tag_and_filter_is_named() -> None:
    filters = {name for name in TEXT.filters if not name.startswith("in_")}
    tags = set(TEXT.tags) - {"#", "content", "output", "illegal"}
    assert {name for name in filters | tags if f"`{name}`" not in PAGE} == set()
