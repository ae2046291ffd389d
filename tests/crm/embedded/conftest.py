"""Real servers in a temporary directory, gone after the test."""

from collections.abc import Iterator

import pytest

from crm.embedded.processes import Processes


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes() as started:
        yield started
