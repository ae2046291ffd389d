"""Traces as they were seen: what security gateways, mail programs and people do with a mail."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.humans import Act, at_once, judged, network_of

DELIVERED = datetime(2026, 6, 3, 10, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
HOME = "102.65.12.7"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, ""),
        ({"agent": PHONE}, ""),
        ({"agent": GMAIL, "address": "66.249.93.1"}, ""),
        ({"method": "HEAD"}, "HEAD"),
        ({"is_trap": True}, "TRAP"),
        ({"agent": ""}, "AGENT"),
        ({"agent": "Mozilla/5.0"}, "APPLE_PROXY"),
        ({"agent": PHONE, "address": "17.58.101.4"}, "APPLE_PROXY"),
        ({"agent": "curl/8.5.0"}, "AGENT"),
        ({"agent": "python-requests/2.32"}, "AGENT"),
        ({"agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, "AGENT"),
        ({"agent": "Barracuda Sentinel (EE)"}, "AGENT"),
        ({"agent": FIREFOX, "address": "40.94.20.15"}, "DATA_CENTRE"),
        ({"agent": FIREFOX, "address": "2a01:111:f400:7e88::1"}, "DATA_CENTRE"),
        ({"agent": FIREFOX, "address": "203.0.113.9", "more": ("203.0.113.0/24",)}, "DATA_CENTRE"),
        ({"agent": FIREFOX, "address": "nowhere"}, ""),
    ],
)
def test_what_one_request_tells(request_: dict[str, Any], expected: str) -> None:
    usual = {"method": "GET", "agent": FIREFOX, "address": HOME, "is_trap": False}
    assert at_once(**{**usual, **request_}) == expected


def acts(*done: tuple[str, float, int, str]) -> list[Act]:
    return [
        Act(number, kind, DELIVERED + timedelta(seconds=after), link, why)
        for number, (kind, after, link, why) in enumerate(done)
    ]


# a gateway that opens, then follows every link within two seconds of delivery or of the first reading
SCANNERS = {
    "on arrival": acts(*[("CLICKED", 0.4 * place, place, "") for place in range(1, 6)], ("OPENED", 0.2, 0, "")),
    "a quarter of an hour later": acts(*[("CLICKED", 900 + 0.3 * place, place, "") for place in range(1, 6)]),
    "in HEADs first": acts(("CLICKED", 60, 1, "HEAD"), ("CLICKED", 60.1, 2, "HEAD"), ("CLICKED", 60.2, 3, "HEAD")),
    "into the trap": acts(("CLICKED", 300, 1, ""), ("CLICKED", 300.5, 9, "TRAP"), ("CLICKED", 301, 2, "")),
    "from a data centre": acts(("OPENED", 90, 0, "DATA_CENTRE"), ("CLICKED", 95, 1, "DATA_CENTRE")),
}  # fmt: skip


@pytest.mark.parametrize("trace", SCANNERS.values(), ids=SCANNERS)
def test_no_click_of_a_scanner_is_a_persons(trace: list[Act]) -> None:
    verdicts = judged(trace, delivered_at=DELIVERED)
    assert [one for one in trace if one.kind == "CLICKED" and not verdicts[one.id]] == []


def test_people_open_follow_and_come_back() -> None:
    trace = acts(
        ("OPENED", 42, 0, ""), ("CLICKED", 50, 1, ""), ("CLICKED", 51, 1, ""), ("CLICKED", 90, 2, ""),
        ("OPENED", 7200, 0, ""),
    )  # fmt: skip
    assert set(judged(trace, delivered_at=DELIVERED).values()) == {""}
    assert set(judged(trace, delivered_at=None).values()) == {""}


def test_a_person_behind_a_scanner_still_counts() -> None:
    trace = [*SCANNERS["on arrival"], Act(99, "CLICKED", DELIVERED + timedelta(minutes=30), 2)]
    verdicts = judged(trace, delivered_at=DELIVERED)
    assert [pk for pk, why in verdicts.items() if not why] == [99]


def test_only_the_network_of_an_address_is_kept() -> None:
    assert network_of("102.65.12.7") == "102.65.12.0/24"
    assert network_of("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert network_of("unknown") == ""
