"""The whole way of a message: from a ready-made template to the log, the web page, leaving, and the report."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns import lifecycle, ready_made, sending, services, statistics, ticking, tokens
from campaigns.models import Campaign, CampaignRun, Message, Sender
from crm.tenancy.models import Tenant
from customers.erasure import erase_customer
from tests.campaigns.making import AUTHOR, list_of, people
from tests.pages import staff_of

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def sent(tenant: Tenant) -> Message:
    """To one who agreed and one who did not, by the local message log."""
    Sender.objects.create(
        tenant=tenant,
        from_name="Fynbos",
        from_email="club@fynbos.example",
        postal_address="1 Fairway Road, Cape Town",
    )
    template = ready_made.take("newsletter", by=AUTHOR)
    who = [*people(1, first_name="Thandi"), *people(1, first_name="Ben", email_opt_in=False)]
    one = services.create_campaign(
        "News", by=AUTHOR, channels=["EMAIL"], segment_ids=[list_of(who).pk],
        templates={"email_template_id": template.pk},
    )  # fmt: skip
    lifecycle.execute_campaign(one.pk, by=AUTHOR)
    now = timezone.now()
    ticking.tick(now)
    ticking.tick(now)
    sending.send_due()
    ticking.tick(timezone.now())
    assert sorted(Message.objects.values_list("state", "reason")) == [("SENT", ""), ("SKIPPED", "REFUSED")]
    row: Message = Message.objects.get(state="SENT")
    return row


def view(row: Message) -> str:
    return f"/t/v/{tokens.make(tokens.VIEW, row.pk)}"


def test_what_was_sent_is_shown_to_staff_and_to_whoever_got_it(sent: Message) -> None:
    assert sent.subject
    page = Client().get(view(sent))
    assert page.status_code == 200
    assert "Thandi" in page.content.decode()
    assert "script-src" not in page["Content-Security-Policy"]
    assert "default-src 'none'" in page["Content-Security-Policy"]
    leave = re.search(r'href="[^"]*(/t/u/[^"]+)"', page.content.decode())
    assert leave and Client().get(leave[1]).status_code == 200
    look = f"/admin/campaigns/message/{sent.pk}/look/"
    marketing: Any = staff_of("MARKETING")
    assert "What it said" in marketing.text(look)
    assert "Thandi" in marketing.get(f"{look}body/").content.decode()
    front_desk: Any = staff_of("STAFF")
    assert front_desk.get(f"{look}body/").content == b""
    assert "Thandi" in front_desk.text(look)


def test_what_was_sent_to_somebody_erased_is_shown_to_nobody(sent: Message) -> None:
    erase_customer(sent.customer_id, by=AUTHOR)
    assert Client().get(view(sent)).status_code == 404
    assert Client().get(view(sent).replace("/v/", "/v/x")).status_code == 404


def test_everybody_is_in_one_outcome_and_the_campaign_ends(sent: Message) -> None:
    run = CampaignRun.objects.select_related("campaign").get()
    counts = statistics.recount(run)
    assert (counts["target"], counts["sent"], counts["reasons"]) == (2, 1, {"REFUSED": 1})
    assert Campaign.objects.get().status == "COMPLETED"
