"""docs/api.md names every error code and setting that a caller or operator meets."""

import re
from pathlib import Path

from django.conf import settings

import timeline.services
import timeline.views
from crm.errors import CRMError
from crm.rest.errors import CODES
from crm.rest.schema import ERRORS
from crm.tenancy.permissions import Scope

WORDS = set(re.findall(r"`([^`\n]+)`", (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()))


def kinds(base=CRMError):
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_error_code_is_explained():
    assert timeline.views.EventsRejected in set(kinds())
    assert timeline.services.ActivityNotFound in set(kinds())
    codes = {kind.code for kind in kinds()} | set(CODES.values()) | {code for _, code, _ in ERRORS.values()}
    assert codes - WORDS == set()


def test_every_scope_is_explained():
    assert {scope.value for scope in Scope} <= WORDS


def test_every_setting_of_tokens_is_explained():
    assert {name for name in dir(settings) if name.startswith("JWT_")} <= WORDS
