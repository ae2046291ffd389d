import pytest

from crm.tenancy.models import AuditEntry, Tenant
from customers import devices
from customers.erasure import erase_customer
from customers.merging import merge_customers
from customers.models import CustomerProfile, Device
from tests.conftest import Api
from tests.factories import CustomerProfileFactory

PHONE = {"platform": "IOS", "token": "phone"}


@pytest.fixture
def thandi(tenant: Tenant) -> CustomerProfile:
    return CustomerProfileFactory()


def path(customer: CustomerProfile) -> str:
    return f"/api/v1/customers/{customer.pk}/devices"


def test_a_device_is_of_whoever_logged_in_on_it_last(api: Api, thandi: CustomerProfile) -> None:
    sipho = CustomerProfileFactory()
    for _ in range(2):
        assert api.put(path(thandi), PHONE).json()["platform"] == "IOS"
    assert AuditEntry.objects.filter(action="customer.device_added").count() == 1
    assert api.put(path(sipho), PHONE).status_code == 200
    assert Device.objects.get().customer_id == sipho.pk
    assert api.delete(f"{path(thandi)}?token=phone").status_code == 204  # not theirs any more
    assert Device.objects.exists()
    assert api.delete(f"{path(sipho)}?token=phone").status_code == 204
    assert not Device.objects.exists()


@pytest.mark.parametrize("body", [{}, {"platform": "FAX", "token": "x"}, {"platform": "IOS", "token": ""}])
def test_what_is_no_device_is_refused(api: Api, thandi: CustomerProfile, body: dict[str, str]) -> None:
    assert api.put(path(thandi), body).status_code == 400


def test_one_that_the_provider_dropped_lives_again_once_it_is_seen(api: Api, thandi: CustomerProfile) -> None:
    api.put(path(thandi), PHONE)
    assert devices.drop(["phone", "other"], why="unregistered") == 1
    assert Device.objects.get().dropped_at
    api.put(path(thandi), PHONE)
    assert Device.objects.get().dropped_at is None


def test_only_the_latest_twenty_are_kept(api: Api, thandi: CustomerProfile) -> None:
    for number in range(22):
        devices.register(thandi.pk, "WEB", f"browser-{number}", by="key:test")
    assert Device.objects.count() == 20
    assert not Device.objects.filter(token="browser-0").exists()


def test_devices_go_over_with_a_merge_and_are_gone_with_an_erasure(api: Api, thandi: CustomerProfile) -> None:
    winner = CustomerProfileFactory()
    api.put(path(thandi), PHONE)
    merge_customers(winner.pk, thandi.pk, by="user:x")
    assert (Device.objects.get().customer_id, Device.objects.get().recorded_for) == (winner.pk, thandi.pk)
    erase_customer(winner.pk, by="user:x")
    assert not Device.objects.exists()
