"""Nothing personal and nothing secret in a log."""

import pytest

from crm.observability.masking import MASK, is_personal, mask, mask_text

SECRETS = [
    "thandi.nkosi@example.com",
    "Zoë.O'Brien+golf@xn--mnchen-3ya.example",
    "thandi%40example.com",
    "+27 82 123 4567",
    "+27821234567",
    "+44 (0)20 7946 0958",
    "082 123 4567",
    "(082) 123-4567",
    "0821234567",
    "020 7946 0958",
    "27821234567",
    "fw_1a2b3c4d5e6f_AbCdEf-ghIJ_klmnopqrstuvwxyz012345",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "failed for {} twice", "<{}>", "['{}']", "a={}, b=1", "({}): no", "{}."]
)
def test_what_looks_personal_or_secret_is_masked_wherever_it_stands(secret, around):
    masked = mask_text(around.format(secret))
    assert MASK in masked
    assert secret.rstrip(".") not in masked
    for part in secret.replace("@", " ").split():
        assert len(part) < 6 or part not in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /api/v1/customers?email=a%40b.co&take=5 HTTP/1.1", f"GET /api/v1/customers?{MASK} HTTP/1.1"),
        ("https://user:pa55@host.example/x?token=abc#top", f"https://{MASK}@host.example/x?{MASK}"),
        ("postgresql://app:pw@db:5432/fairway", f"postgresql://{MASK}@db:5432/fairway"),
        ("Authorization: Bearer abcdefghijkl", f"Authorization: Bearer {MASK}"),
        ("password=hunter2 rest", f"password={MASK} rest"),
        ("api_key: s3cr3t, next", f"api_key: {MASK}, next"),
    ],
)
def test_queries_credentials_and_assignments_are_masked(text, masked):
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T06:00:00.123456Z", "2026-11-21 06:00:00+00:00", "01a1fce4-b051-7412-b224-975b65a77695",
        "12345678-1234-1234-1234-123456789012", "127.0.0.1:6379", "took 1234.5678901 s",
        "Is it? Yes: a=1", "1795244212520-234",
        "events/2026/11", "crm.profile.updated", "customers_customerprofile_pkey", "v5.2.19",
        "10000 rows", "@shared_task",
        "timeline/ingestion.py:120 receive", "0x7f6d26228b80", "Error 111 connecting to 127.0.0.1:6399.",
    ],
)  # fmt: skip
def test_what_operators_need_stays(text):
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "key",
    ["email", "Email", "customer_email", "contactEmail", "phone_number", "phoneNumber", "first_name", "password",
     "api_key", "Authorization", "set-cookie", "ip", "remote_addr", "client_ip_address", "notes", "payload", "query",
     "date_of_birth"],
)  # fmt: skip
def test_keys_that_hold_such_things_are_masked_whatever_they_hold(key):
    assert is_personal(key)
    assert mask({key: "Thandi"}) == {key: MASK}
    assert mask({key: {"deeper": 1}}) == {key: MASK}
    assert mask({key: 27821234567}) == {key: MASK}


@pytest.mark.parametrize(
    "key", ["task", "tenant", "count", "route", "status", "error", "event", "logger", "ms", "topic"]
)
def test_our_own_keys_stay(key):
    assert mask({key: "value"}) == {key: "value"}


def test_containers_keep_their_shape():
    value = {"a": ["x@example.com", 5, None, True, 2.5], "b": {"c": ("y",)}, "email": None}
    assert mask(value) == {"a": [MASK, 5, None, True, 2.5], "b": {"c": ["y"]}, "email": None}


def test_objects_are_masked_as_the_text_they_would_be_logged_as():
    class Person:
        def __str__(self) -> str:
            return "Thandi <thandi@example.com>"

    assert mask({"who": Person()}) == {"who": f"Thandi <{MASK}>"}


def test_long_hostile_text_is_masked_in_no_time():
    for text in (
        "0" * 100_000,
        "a@" * 50_000,
        "+1 " * 30_000,
        "?a=" * 30_000,
        "(0" * 50_000,
        "x" * 100_000 + "@",
    ):
        mask_text(text)
