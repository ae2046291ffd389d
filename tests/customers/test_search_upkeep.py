"""Rebuilding what people are found by, and forgetting words that nobody has any more."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers import search_upkeep
from customers.models import CustomerProfile, CustomerSearch, SearchWord
from customers.search import find_people
from customers.tasks import tidy_search
from tests.factories import CustomerProfileFactory


def words() -> list[str]:
    return sorted(SearchWord.objects.values_list("word", flat=True))


def rebuilt(*arguments: str) -> str:
    out = StringIO()
    call_command("rebuild_search", *arguments, stdout=out)
    return out.getvalue()


def test_a_rebuild_brings_everybody_back_in_bounded_steps(
    tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_upkeep, "BATCH", 2)
    people = [CustomerProfileFactory(last_name="Nkosi") for _ in range(5)]
    with tenant_scope(other_tenant):
        CustomerProfileFactory()
        CustomerSearch.objects.all().delete()
    CustomerSearch.objects.all().delete()
    SearchWord.objects.all().delete()
    assert "fynbos-group: 5 people, 0 words forgotten." in rebuilt("--tenant", tenant.slug)
    assert len(find_people("nkosy", take=9)) == 5
    with tenant_scope(other_tenant):
        assert not CustomerSearch.objects.exists()
    assert [step.people for step in search_upkeep.rebuild(people[1].pk)] == [2, 1]
    assert "heathland-group: 1 people" in rebuilt()


def test_a_stopped_rebuild_says_how_to_go_on(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_upkeep, "BATCH", 1)
    first, second = (CustomerProfileFactory() for _ in range(2))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    real, calls = search_upkeep.run, iter([None, stop])
    monkeypatch.setattr(search_upkeep, "run", lambda *args: (next(calls) or real)(*args))
    with pytest.raises(CommandError, match=f"--tenant fynbos-group --after {first.pk}"):
        rebuilt()
    monkeypatch.setattr(search_upkeep, "run", real)
    assert "1 people" in rebuilt("--tenant", tenant.slug, "--after", str(first.pk))
    with pytest.raises(CommandError, match="needs --tenant"):
        rebuilt("--after", str(second.pk))


def test_the_night_fills_gaps_and_forgets_what_nobody_is_called(tenant: Tenant, other_tenant: Tenant) -> None:
    ann = CustomerProfileFactory(first_name="Annabel", last_name="Botha", email="")
    CustomerProfileFactory(first_name="Thandi", last_name="Botha", email="")
    SearchWord.objects.create(tenant=tenant, word="botha", stems=["botha"])  # as two at once leave it
    with tenant_scope(other_tenant):
        CustomerProfileFactory(first_name="Thandi", last_name="Elsewhere")
    CustomerProfile.objects.filter(pk=ann.pk).update(first_name="", last_name="Zondi")
    CustomerSearch.objects.filter(pk=ann.pk).delete()
    assert words() == ["annabel", "botha", "botha", "thandi", "zondi"]
    assert tidy_search() == 3  # a gap, a word, a double
    assert words() == ["botha", "thandi", "zondi"]
    assert [one.profile for one in find_people("zondi", take=5)] == [ann]
    assert tidy_search() == 0
    with tenant_scope(other_tenant):
        assert "elsewhere" in words()


def test_whoever_takes_a_name_away_forgets_its_words_at_once(tenant: Tenant) -> None:
    person = CustomerProfileFactory(first_name="Secret", last_name="Person", email="")
    CustomerProfileFactory(first_name="Another", last_name="Person", email="")
    CustomerProfile.objects.filter(pk=person.pk).update(first_name="", last_name="")
    assert search_upkeep.tidy_words(["secret", "person"]) == 1
    assert words() == ["another", "person"]
