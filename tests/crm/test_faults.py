"""What nobody foresaw is counted, and its line says whose and which."""

import logging

import pytest
from django.db import OperationalError
from django.test import Client
from prometheus_client import REGISTRY

from crm.observability import tasks
from crm.tenancy.scope import tenant_scope
from customers import views
from timeline.tasks import sweep_events


def faults(kind: str) -> float:
    return REGISTRY.get_sample_value("fairway_faults_total", {"kind": kind}) or 0.0


def breaks(error: Exception):
    def broken(*_):
        raise error

    return broken


def test_a_request_that_breaks_is_counted_and_one_without_a_database_is_not(api, monkeypatch):
    api.raise_request_exception = False
    before = faults("request")
    monkeypatch.setattr(views, "listed", breaks(OperationalError("server closed the connection")))
    assert api.get("/api/v1/customers").status_code == 503
    assert Client().get("/nothing").status_code == 404
    assert faults("request") == before
    monkeypatch.setattr(views, "listed", breaks(ZeroDivisionError()))
    assert api.get("/api/v1/customers").status_code == 500
    assert faults("request") == before + 1


@pytest.mark.parametrize(("error", "counts"), [(ZeroDivisionError(), 1), (OperationalError("gone"), 0)])
def test_a_task_that_breaks_is_counted_with_its_tenant_on_the_line(tenant, caplog, error, counts):
    before = faults("task")
    with pytest.raises(type(error)) as raised, tenant_scope(tenant):
        raise error
    with caplog.at_level(logging.ERROR, logger="fairway.tasks"):
        tasks.fail(sweep_events, raised.value)
    assert faults("task") == before + counts
    assert [record.msg["tenant"] for record in caplog.records] == ["fynbos-group"] * counts
