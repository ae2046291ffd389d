"""`load_demo` on the real pipeline: everything applied, nothing twice, resumable."""

from datetime import timedelta
from functools import reduce
from operator import or_

import pytest
from django.core.management import CommandError
from django.db.models import Q
from django.utils import timezone

from crm.demo import loader
from crm.demo.generator import latest_as_of
from crm.demo.group import LOGINS, NotTheDemo, ensure_group
from crm.demo.loader import Plan, is_loaded, load, planned
from crm.demo.story.period import Period
from crm.demo.story.population import make_people
from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Club, StaffMembership, Tenant, User
from crm.tenancy.permissions import Role
from crm.tenancy.scope import tenant_scope
from customers.models import Booking, CustomerMetrics, CustomerProfile, DuplicateCandidate
from timeline import ingestion
from timeline.models import Activity, InboundEvent, SyncStatus

pytestmark = pytest.mark.django_db
SMALL, SMALLER = ("--people", "40"), ("--people", "24")


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def tenant():
    return ensure_group()


@pytest.fixture
def plan():
    return Plan(latest_as_of(timezone.now()), people=24)


def counts():
    return [
        model.objects.count()
        for model in (InboundEvent, Activity, CustomerProfile, Booking, DuplicateCandidate)
    ]


def test_a_small_demo_is_applied_but_for_its_three_dead_letters(run):
    said = run("load_demo", *SMALL)
    assert "failed 3" in said
    with tenant_scope(Tenant.objects.get(slug="demo")):
        dead = InboundEvent.objects.dead().values_list("type", "error_code")
        assert sorted(dead) == [
            ("order.paid", "INVALID_PAYLOAD"),
            ("scl.member.transferred", "UNKNOWN_EVENT_TYPE"),
            ("teetime.booking.created", "INVALID_PAYLOAD"),
        ]
        others = InboundEvent.objects.exclude(pk__in=InboundEvent.objects.dead())
        assert set(others.values_list("status", flat=True)) == {SyncStatus.SUCCESS}


def test_everybody_becomes_one_profile_with_what_they_did(run):
    run("load_demo", *SMALL)
    with tenant_scope(Tenant.objects.get(slug="demo")):
        people = CustomerProfile.objects.current().filter(is_light=False)
        assert 30 <= people.count() <= 45
        assert {person.home_club_ref for person in people} >= {"club-fynbos", "club-heathland"}
        assert people.filter(phone_is_valid=False).exclude(phone_number="").count() == 0
        assert CustomerMetrics.objects.filter(activity_count_30d__gt=0).exists()
        assert CustomerMetrics.objects.filter(lifetime_value_cents__gt=0).exists()
        twin = {"Catherine", "Kate"}
        pairs = DuplicateCandidate.objects.select_related("first", "second")
        assert [pair for pair in pairs if {pair.first.first_name, pair.second.first_name} == twin]


def test_nothing_that_is_told_of_the_demo_counts_as_new(run):
    run("load_demo", *SMALLER)
    with tenant_scope(Tenant.objects.get(slug="demo")):
        assert not InboundEvent.objects.filter(historical=False).exists()
        assert OutboxMessage.objects.exists()
        assert not OutboxMessage.objects.filter(historical=False).exists()


def test_a_second_load_changes_nothing(run):
    run("load_demo", *SMALLER)
    with tenant_scope(Tenant.objects.get(slug="demo")):
        before = counts()
        said = run("load_demo")
        assert counts() == before
        assert not InboundEvent.objects.filter(duplicates__gt=0).exists()
    assert "0 of them new" in said


def test_if_empty_leaves_a_loaded_demo_alone(run):
    run("load_demo", *SMALLER)
    assert run("load_demo", "--if-empty") == "The demo is loaded.\n"


def test_a_load_that_was_killed_goes_on_where_it_stopped(tenant, plan, run):
    def kill(progress):
        if progress.sent >= 300:
            raise Killed

    with pytest.raises(Killed):
        load(tenant, plan, report=kill)
    assert not is_loaded(tenant)
    with tenant_scope(tenant):
        there = InboundEvent.objects.count()
    total = sum(loader.counts(plan).values())
    assert f"{total - there:,} of them new" in run("load_demo", "--if-empty")
    assert is_loaded(tenant)
    assert planned(tenant) == plan
    with tenant_scope(tenant):
        assert InboundEvent.objects.count() == total


def test_what_happened_never_overtakes_who_people_are(tenant, plan, monkeypatch, run):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(loader, "process_due", dies_over_its_claims)
        load(tenant, plan, report=lambda progress: None)
    monkeypatch.setattr(ingestion, "LEASE", timedelta(seconds=2))
    run("load_demo")
    with tenant_scope(tenant):
        assert not InboundEvent.objects.filter(is_waiting=True).exists()
        for person in make_people(Period(plan.seed, plan.as_of), plan.people):
            assert len(profiles_of(person)) <= 1


def dies_over_its_claims(tenant, **_):
    """What a worker leaves behind whose machine goes away: events that nobody may take for a while."""
    InboundEvent.objects.update(claimed_at=timezone.now())
    raise Killed


def profiles_of(person):
    ids = {
        "scl_member_id": person.member,
        "teetime_player_id": person.player,
        "messaging_contact_id": person.contact,
    }
    known = [Q(**{column: role.id}) for column, role in ids.items() if role]
    return CustomerProfile.objects.filter(reduce(or_, known)) if known else ()


def test_a_demo_of_other_settings_is_not_mixed_in(run):
    run("load_demo", *SMALLER)
    with pytest.raises(CommandError, match="other settings"):
        run("load_demo", "--seed", "8")
    with pytest.raises(CommandError, match="other settings"):
        run("load_demo", "--people", "25")


def test_a_tenant_that_happens_to_be_called_demo_is_left_alone(run):
    Tenant.objects.create(slug="demo", name="Demosthenes Links")
    with pytest.raises(NotTheDemo):
        ensure_group()
    with pytest.raises(CommandError, match="left alone"):
        run("load_demo")


def test_a_dry_run_counts_and_writes_nothing(run):
    said = run("load_demo", "--dry-run", *SMALL)
    assert "scl.member.created" in said
    assert "nothing was written" in said
    assert not Tenant.objects.filter(slug="demo").exists()


@pytest.mark.parametrize(
    "arguments", [("--as-of", "2999-01-01"), ("--people", "3"), ("--as-of", "yesterday")]
)
def test_impossible_wishes_are_refused(run, arguments):
    with pytest.raises(CommandError):
        run("load_demo", *arguments)


def test_the_group_has_two_clubs_and_a_login_for_each_role(tenant):
    with tenant_scope(tenant):
        clubs = {club.refs[0]: (club.region, club.timezone, club.currency) for club in Club.objects.all()}
        roles = {
            staff.user.email: (staff.role, len(staff.club_ids)) for staff in StaffMembership.objects.all()
        }
    assert clubs == {
        "club-fynbos": ("ZA", "Africa/Johannesburg", "ZAR"),
        "club-heathland": ("GB", "Europe/London", "GBP"),
    }
    assert {role for role, _ in roles.values()} == set(Role.values)
    assert roles["staff@fairway.example"] == (Role.STAFF, 1)


def test_in_production_the_logins_have_no_password_unless_one_is_given(
    run, settings, monkeypatch, demo_machine
):
    settings.EMBEDDED = settings.DEBUG = False
    run("load_demo", *SMALLER)
    users = User.objects.filter(email__in=[login.email for login in LOGINS])
    assert not any(user.has_usable_password() for user in users)
    assert not demo_machine.exists()
    monkeypatch.setenv("DEMO_PASSWORD", "a word of our own")
    run("load_demo")
    assert all(user.check_password("a word of our own") for user in users.all())
