"""Words that no form reads: a NUL, or megabytes of them, are a page or a refusal, never a failure."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings

from crm.tenancy.models import Tenant
from customers.merging import merge_customers
from customers.models import DuplicateCandidate
from tests.factories import ActivityFactory, CustomerProfileFactory, house
from tests.pages import LIST, Browser, log_in, member

BY = "user:x"
WORDS = {"nul": "\0", "nul within": "a\0b", "much": "x" * 100_000}
FIELDS = (
    "reason", "act", "guardian", "kind", "how", "pattern", "on", "confirmation", "add", "remove", "mark", "tab", "with",
    "name", "decision", "about", "token", "session", "next", "tenant", "winner", "error", "type", "source", "field",
    "cursor", "q", "digest", "visibility", "since", "until", "category", "deleted", "o", "tag", "select_across", "by",
)  # fmt: skip
ACTS = {"lock/": {"act": "restrict"}, "mark/": {"mark": "is_vip"}, "request/": {"kind": "ACCESS"}}


@pytest.fixture
def browser(tenant: Tenant) -> Browser:
    return log_in(member("ADMIN").user)


@pytest.fixture
def addresses(tenant: Tenant) -> dict[str, list[str]]:
    """Pages that read words of their own; by GET and by POST."""
    ann, ben, cat, dan = (CustomerProfileFactory() for _ in range(4))
    made = merge_customers(ann.pk, ben.pk, by=BY)
    assert made is not None
    DuplicateCandidate.objects.create(tenant=tenant, first=min(cat, dan, key=lambda one: one.pk),
                                      second=max(cat, dan, key=lambda one: one.pk), reason="x")  # fmt: skip
    ActivityFactory(customer=ann)
    person, household = f"{LIST}{ann.pk}/", f"/admin/customers/household/{house(cat, dan).pk}/"
    note = f"/admin/timeline/note/for/{ann.pk}/"
    tabs = [f"{person}?tab={tab}" for tab in ("timeline", "notes", "history", "privacy", "merges")]
    return {
        "GET": [
            LIST, person, *tabs, f"{person}live/", f"{person}field/", f"{person}merge/", "/admin/people/",
            "/admin/tenant/", "/admin/", f"{note}colleagues/", "/admin/timeline/inboundevent/dead-letters/",
            "/admin/customers/identityrule/",
            "/admin/customers/duplicatecandidate/", "/admin/account/address/", "/admin/login/",
        ],
        "POST": [
            *(f"{person}{act}/" for act in ("lock", "request", "guardian", "lift-suppression", "mark", "tags", "merge",
                                            "erase", "remove", "objection")),
            f"{person}merges/{made.pk}/undo/", f"{household}edit/", f"{note}draft/", "/admin/tenant/",
            "/admin/customers/identityrule/switch/", "/admin/customers/identityrule/block/",
            "/admin/account/sessions/end/",
            "/admin/timeline/inboundevent/dead-letters/replay/", "/admin/timeline/inboundevent/dead-letters/discard/",
            "/admin/login/",
        ],
    }  # fmt: skip


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_whatever_is_sent_no_page_fails(browser: Browser, addresses: dict[str, list[str]], word: str) -> None:
    browser.raise_request_exception = False
    replies = {}
    for address in addresses["GET"]:
        known = {"tab"} if "?tab=" in address else set()
        sent = dict.fromkeys({*FIELDS} - known, word[:2000])  # servers refuse a longer address
        replies["GET", address] = browser.get(address + ("&" if known else "?") + urlencode(sent))
    for address in addresses["POST"]:
        end = f"{address.rstrip('/').rpartition('/')[2]}/"
        sent = dict.fromkeys(FIELDS, word) | ACTS.get(end, {})
        replies["POST", address] = browser.post(address, sent)
    failed = {place for place, reply in replies.items() if reply.status_code >= 500}
    assert not failed


def test_what_is_too_much_to_read_is_refused(browser: Browser, addresses: dict[str, list[str]]) -> None:
    browser.raise_request_exception = False
    for address in addresses["POST"][::4]:
        reply = browser.post(address, {"reason": "x" * 10_000_000})
        assert reply.status_code < 500, address


def test_words_are_read_in_one_place() -> None:
    found = [
        f"{path.relative_to(settings.BASE_DIR)}:{number}"
        for app in ("crm", "customers", "timeline", "segments")
        for path in sorted((Path(settings.BASE_DIR) / app).rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"\b(POST|GET)(\.get\(|\[)", line)
    ]
    assert found == []
