"""What masks leave of values and of free text."""

from datetime import date

import pytest

from crm.tenancy.masks import DEFAULTS, Level, Personal, masks_of, problems
from crm.tenancy.permissions import Role
from customers.masking import COLUMNS, left_of, masked, masked_identifier, may_find_by, scrubbed

VIEWER = masks_of(Role.VIEWER, {})


def test_a_role_that_edits_sees_everything_whatever_the_rules_say() -> None:
    rules = {"MARKETING": {"email": "HIDDEN"}, "ADMIN": {"email": "HIDDEN"}}
    assert masks_of(Role.ADMIN, rules) == masks_of(Role.MARKETING, rules) == masks_of("", rules) == {}
    assert [words.partition(":")[0] for words in problems(rules)] == ["MARKETING", "ADMIN"]


def test_a_tenants_rules_stand_before_the_usual_ones() -> None:
    rules = {"VIEWER": {"email": "SHOWN", "phone": "HIDDEN"}}
    assert problems(rules) == []
    found = masks_of(Role.VIEWER, rules)
    assert Personal.EMAIL not in found
    assert found[Personal.PHONE] is Level.HIDDEN
    assert found[Personal.BIRTH_DATE] is DEFAULTS[Role.VIEWER][Personal.BIRTH_DATE]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([], "a map of roles"),
        ({"VIEWER": []}, "VIEWER: must be a map"),
        ({"VIEWER": {"shoeSize": "HIDDEN"}}, "VIEWER.shoeSize: there is no such personal data"),
        ({"VIEWER": {"email": "A_BIT"}}, "VIEWER.email: must be one of SHOWN, MASKED, HIDDEN"),
        ({"STAFF": {"scores": "MASKED"}}, "STAFF.scores: must be one of SHOWN, HIDDEN"),
        ({"OWNER": {}}, "OWNER: only"),
    ],
)
def test_rules_that_can_not_be_are_refused_by_name(rules: object, words: str) -> None:
    (found,) = problems(rules)
    assert words in found


@pytest.mark.parametrize(
    ("kind", "value", "left"),
    [
        (Personal.EMAIL, "thandi.nkosi@example.com", "t•••@example.com"),
        (Personal.EMAIL, '"a@b"@example.com', '"•••@example.com'),
        (Personal.EMAIL, "nonsense", "•••"),
        (Personal.PHONE, "+27821234567", "•••567"),
        (Personal.PHONE, "112", "•••"),
        (Personal.BIRTH_DATE, date(1980, 2, 29), None),
        (Personal.BIRTH_DATE, "1980-02-29", "1980"),
        (Personal.IDENTIFIERS, {"golfRsaId": "2700123456"}, {"golfRsaId": "•••456"}),
        (Personal.EMAIL, "", ""),
        (Personal.BIRTH_DATE, None, None),
    ],
)
def test_a_part_of_a_value(kind: Personal, value: object, left: object) -> None:
    assert left_of(kind, Level.MASKED, value) == left


@pytest.mark.parametrize(("value", "left"), [("x", ""), ({"a": 1}, {}), (87, None), (date(1980, 1, 1), None)])
def test_nothing_of_a_value(value: object, left: object) -> None:
    assert left_of(Personal.SCORES, Level.HIDDEN, value) == left


def test_only_the_columns_that_are_kept_back_are_touched() -> None:
    row = {"email": "a@example.com", "first_name": "Ann", "internal_notes": "x", "engagement_score": 87}
    assert masked(row, VIEWER) == {
        "email": "a•••@example.com",
        "internal_notes": "",
        "engagement_score": None,
    }
    assert masked(row, {}) == {}
    assert {kind for kind in Personal if COLUMNS[kind]} == set(Personal)


def test_identifiers_are_masked_by_what_they_tell() -> None:
    assert masked_identifier("email", "ann@example.com", VIEWER) == "a•••@example.com"
    assert masked_identifier("externalIds.golfRsaId", "2700123456", VIEWER) == "•••456"
    assert masked_identifier("sclMemberId", "48490", VIEWER) == "48490"
    assert masked_identifier("email", "ann@example.com", {Personal.EMAIL: Level.HIDDEN}) == "•••"
    assert [kind for kind in ("email", "phoneNumber", "sclMemberId") if may_find_by(kind, VIEWER)] == [
        "sclMemberId"
    ]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Write to ann@example.com, please.", "Write to a•••@example.com, please."),
        ("Call 082 123 4567 or +44 20 7946 0018.", "Call •••567 or •••018."),
        ("On 2026-11-25 at 07:46, for R 1 234 567.00", "On 2026-11-25 at 07:46, for R 1 234 567.00"),
        ("01900000-0000-7000-8000-000000000000", "01900000-0000-7000-8000-000000000000"),
        ("@[01900000-0000-7000-8000-000000000000] look", "@[01900000-0000-7000-8000-000000000000] look"),
        ("", ""),
    ],
)  # fmt: skip
def test_addresses_and_numbers_in_text(text: str, left: str) -> None:
    assert scrubbed(text, VIEWER, "ZA") == left
    assert scrubbed(text, {}, "ZA") == text


def test_free_form_maps_are_masked_by_the_names_of_their_keys_and_by_what_they_say() -> None:
    sent = {
        "e_mail": "ann@example.com", "phone-number": 27821234567, "dateOfBirth": "1980-02-29", "holes": 18,
        "guests": [{"email": "ben@example.com", "name": "Ben"}], "noteId": "01900000-0000-7000-8000-000000000000",
    }  # fmt: skip
    assert scrubbed(sent, VIEWER, "ZA") == {
        "e_mail": "a•••@example.com", "phone-number": "•••567", "dateOfBirth": "1980", "holes": 18,
        "guests": [{"email": "b•••@example.com", "name": "Ben"}],
        "noteId": "01900000-0000-7000-8000-000000000000",
    }  # fmt: skip
