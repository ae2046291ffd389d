"""kill -9 around the commit: what is committed is told, what is not is not."""

import json

import pytest

from crm.outbox.models import OutboxMessage
from crm.outbox.relay import relay
from tests.servers import program

TIMES = 20
# Children of one process, each killed at the point; a fork is a process like any other, and quick.
SCRIPT = """
import os, signal
from django.db import transaction
from crm.outbox import nudge, services
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope

def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)

def work(point, number):
    if point == "between commit and nudge":
        nudge.nudge = die
    with tenant_scope(Tenant.objects.get()):
        with transaction.atomic():
            services.emit("crm.x", key=f"{point} {number}", payload={})
            if point == "before the commit":
                die()
        die()

for number in range(TIMES):
    for point in ("before the commit", "between commit and nudge", "after the nudge"):
        child = os.fork()
        if not child:
            work(point, number)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
"""


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_around_the_commit_has_told_what_it_committed(tenant, redis):
    ran = program("shell", "--no-imports", "-c", f"TIMES = {TIMES}{SCRIPT}")
    out, _ = ran.communicate(timeout=120)
    assert ran.returncode == 0, out
    committed = set(OutboxMessage.objects.values_list("key", flat=True))
    points = ("between commit and nudge", "after the nudge")
    assert committed == {f"{point} {number}" for point in points for number in range(TIMES)}
    assert relay({}) == len(committed)
    told = [json.loads(fields[b"data"]) for _, fields in redis.xrange("crm-outbound")]
    assert len(told) == len({message["id"] for message in told}) == 2 * TIMES
