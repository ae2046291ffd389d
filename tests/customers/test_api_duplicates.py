"""GET /duplicates and POST /duplicates/{id}/dismiss."""

from typing import Any
from uuid import uuid4

import pytest

from crm.tenancy.models import AuditEntry, Tenant
from customers.models import CustomerProfile, DuplicateCandidate
from tests.conftest import Api
from tests.factories import CustomerProfileFactory

PAIRS = "/api/v1/duplicates"


def pair_of(tenant: Tenant, **fields: Any) -> DuplicateCandidate:
    first, second = sorted([CustomerProfileFactory(), CustomerProfileFactory()], key=lambda one: one.pk)
    return DuplicateCandidate.objects.create(tenant=tenant, first=first, second=second, **fields)


def ids(reply: Any) -> list[str]:
    assert reply.status_code == 200, reply.content
    return [one["id"] for one in reply.json()["data"]]


@pytest.fixture
def pairs(tenant: Tenant) -> list[DuplicateCandidate]:
    """The surest first; the last was told of by a source, and never compared."""
    return [
        pair_of(tenant, source="finder", score=99.99, band="AUTO", reasons=[["email", "SAME", 17.8]]),
        pair_of(tenant, source="finder", score=71.5, reasons=[["born", "SAME", 14.1]], vetoes=["gender"]),
        pair_of(tenant, source="teetime", reason="the same phoneNumber"),
    ]


def test_the_queue_is_what_waits_with_the_surest_first(api: Api, pairs: list[DuplicateCandidate]) -> None:
    reply = api.get(PAIRS)
    assert ids(reply) == [str(pair.pk) for pair in pairs]
    sure, likely, told = reply.json()["data"]
    assert sure["customerIds"] == [str(pairs[0].first_id), str(pairs[0].second_id)]
    assert (sure["score"], sure["band"], sure["told"]) == (99.99, "AUTO", None)
    assert sure["reasons"] == [{"name": "email", "level": "SAME", "weight": 17.8}]
    assert likely["vetoes"] == ["gender"]
    assert (told["score"], told["told"], told["source"]) == (None, "the same phoneNumber", "teetime")


def test_it_is_narrowed_and_walked(api: Api, pairs: list[DuplicateCandidate]) -> None:
    sure, likely, told = (str(pair.pk) for pair in pairs)
    assert ids(api.get(f"{PAIRS}?band=AUTO")) == [sure]
    assert ids(api.get(f"{PAIRS}?minScore=70")) == [sure, likely]
    assert ids(api.get(f"{PAIRS}?status=DISMISSED")) == []
    walked, cursor = [], ""
    for _ in range(3):
        page = api.get(f"{PAIRS}?take=1&cursor={cursor}")
        walked += ids(page)
        cursor = page.json()["meta"]["nextCursor"]
    assert (walked, cursor) == ([sure, likely, told], None)
    for wrong in ("band=SURE", "minScore=101", "minScore=x", "status=", "customerId=1"):
        assert api.get(f"{PAIRS}?{wrong}").status_code == 400, wrong


def test_a_pair_of_somebody_who_is_gone_waits_for_nobody(api: Api, pairs: list[DuplicateCandidate]) -> None:
    CustomerProfile.objects.filter(pk=pairs[0].first_id).update(status="DELETED")
    assert ids(api.get(PAIRS)) == [str(pairs[1].pk), str(pairs[2].pk)]


def test_a_pair_is_dismissed_once_and_for_all(api: Api, pairs: list[DuplicateCandidate]) -> None:
    pair = pairs[1]
    for _ in range(2):
        reply = api.post(f"{PAIRS}/{pair.pk}/dismiss", {"remark": "Father and son"})
        assert reply.status_code == 200
        said = reply.json()
        assert (said["status"], said["remark"], said["decidedBy"][:4]) == (
            "DISMISSED",
            "Father and son",
            "key:",
        )
    assert AuditEntry.objects.filter(action="duplicatecandidate.dismissed").count() == 1
    assert ids(api.get(f"{PAIRS}?status=DISMISSED")) == [str(pair.pk)]


def test_what_is_merged_or_nowhere_is_not_dismissed(api: Api, pairs: list[DuplicateCandidate]) -> None:
    DuplicateCandidate.objects.filter(pk=pairs[0].pk).update(status="MERGED")
    assert api.post(f"{PAIRS}/{pairs[0].pk}/dismiss").status_code == 409
    for nowhere in (uuid4(), "x", pairs[0].first_id):
        assert api.post(f"{PAIRS}/{nowhere}/dismiss").status_code == 404
    reply = api.post(f"{PAIRS}/{pairs[1].pk}/dismiss", {"because": "x"})
    assert (reply.status_code, reply.json()["error"]["details"][0]["field"]) == (400, "because")
