import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers import normalise


@pytest.mark.parametrize(
    "sent", ["082 123 4567", "0821234567", "+27821234567", "27 82 123 4567", "(082) 123-4567"]
)
def test_a_za_number_has_one_spelling(sent: str) -> None:
    assert normalise.phone(sent, "ZA") == ("+27821234567", True)


def test_a_uk_number_is_read_by_a_uk_club() -> None:
    assert normalise.phone("07700 900123", "GB") == ("+447700900123", True)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_example_number_of_every_region_reads_alike_nationally_and_internationally(region: str) -> None:
    example = phonenumbers.example_number(region)
    if example is None:
        pytest.skip("the library has no example for this region")
    kinds = phonenumbers.PhoneNumberFormat
    spellings = {
        normalise.phone(phonenumbers.format_number(example, kind), region)
        for kind in (kinds.E164, kinds.INTERNATIONAL, kinds.NATIONAL)
    }
    assert spellings == {(phonenumbers.format_number(example, kinds.E164), True)}


@pytest.mark.parametrize("sent", ["", "abc", "12", "+27", "0000000000", "27821234567890123"])
def test_a_number_that_is_none_is_kept_and_never_used(sent: str) -> None:
    assert normalise.phone(sent, "ZA") == (sent, False)
    assert normalise.identifier("phoneNumber", sent, "ZA") is None


def test_an_email_is_trimmed_and_lower_cased() -> None:
    assert normalise.email("  THABO.Nkosi@Example.COM ") == "thabo.nkosi@example.com"


def test_two_spellings_of_an_international_domain_are_one_address() -> None:
    assert normalise.email("zoë@exämple.com") == normalise.email("ZOË@XN--EXMPLE-CUA.COM")


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "a",
        "a@",
        "@b.com",
        "a b@c.com",
        "a@b",
        "a@-b.com",
        f"{'x' * 65}@example.com",
        "a@b.com\nbcc:x@y.com",
    ],
)
def test_what_is_no_address_is_none(sent: str) -> None:
    assert normalise.email(sent) is None


@given(st.text(max_size=300))
def test_an_email_reads_alike_the_second_time(sent: str) -> None:
    once = normalise.email(sent)
    assert once is None or normalise.email(once) == once


@given(st.text(max_size=60), st.sampled_from(["ZA", "GB", "US"]))
def test_a_phone_number_reads_alike_the_second_time(sent: str, region: str) -> None:
    once = normalise.phone(sent, region)
    assert normalise.phone(once.number, region) == once


@given(
    st.dictionaries(
        st.text(max_size=30),
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text())),
    )
)
def test_whatever_is_sent_as_hints_only_usable_identifiers_come_out(sent: dict[str, object]) -> None:
    for kind, value in normalise.hints(sent, "ZA").items():
        assert kind in sent and 0 < len(value) <= 254
