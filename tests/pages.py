"""Staff at their browser, without a browser: a client whose requests run outside of any open scope."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from html import unescape
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.tenancy.models import Club, StaffMembership, User
from crm.tenancy.permissions import Role
from tests.factories import StaffMembershipFactory

LIST = "/admin/customers/customerprofile/"
EVENTS = "/admin/timeline/inboundevent/"
DEAD = f"{EVENTS}dead-letters/"


class Browser(Client):
    """A member of staff, logged in. What scope the test has open can't help a page."""

    def request(self, **environ: Any) -> HttpResponse:
        return Context().run(super().request, **environ)

    def text(self, path: str, **query: Any) -> str:
        """The words of a page, without its markup."""
        return words(self.get(path, query))


def words(reply: Any) -> str:
    assert reply.status_code == 200, (reply.status_code, reply.headers.get("Location"))
    body = re.sub(r"(?s)<(script|style|svg).*?</\1>", " ", reply.content.decode())
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def log_in(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def member(role: str = Role.ADMIN, *, clubs: tuple[Club, ...] = (), **fields: Any) -> StaffMembership:
    return StaffMembershipFactory(role=role, club_ids=[club.pk for club in clubs], **fields)


def staff_of(role: str = Role.ADMIN, *, clubs: tuple[Club, ...] = ()) -> Browser:
    """Somebody of the open tenant with a role, at their browser."""
    return log_in(member(role, clubs=clubs).user)


@contextmanager
def at_most(queries: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    listed = "\n".join(query["sql"][:200] for query in captured)
    assert len(captured) <= queries, f"{len(captured)} queries:\n{listed}"
