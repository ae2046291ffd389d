"""What every address is asked with: a Messaging service is set up, though nobody calls it."""

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _messaging(settings: Any) -> None:
    settings.MESSAGING_URL = "http://messaging.invalid"
