"""Lists of tags, weak tags and stars in If-Match and If-None-Match, as RFC 9110 reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.errors import PreconditionFailed
from crm.versions import ANY, Condition, tags

TAGS = st.from_regex(r'(W/)?"[!#-~]{0,9}"', fullmatch=True)
GAPS = st.sampled_from([",", ", ", " ,\t", ",,", " , , "])


@given(st.lists(TAGS, min_size=1, max_size=5), GAPS)
def test_a_list_is_read_whole_with_commas_inside_of_tags(wanted, gap):
    assert tags(gap.join(wanted)) == set(wanted)


@pytest.mark.parametrize("header", ["nonsense", '"a" "b"', '"a', 'a"', '"a", *', "W/*", 'w/"a"', '""a"'])
def test_what_is_no_list_of_tags_names_none(header):
    assert tags(header) == frozenset()
    with pytest.raises(PreconditionFailed):
        Condition.of_headers(header, None).check('"a"')
    Condition.of_headers(None, header).check('"a"')


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "holds"),
    [
        (None, None, True), ("*", None, True), ('"a"', None, True), ('"b", "a"', None, True), ('"b"', None, False),
        ('W/"a"', None, False), ("", None, False), (None, '"a"', False), (None, 'W/"a"', False), (None, "*", False),
        (None, '"b"', True), ('"a"', '"b"', True), ('"a"', '"a"', False),
    ],
)  # fmt: skip
def test_if_match_compares_strongly_and_if_none_match_weakly(if_match, if_none_match, holds):
    condition = Condition.of_headers(if_match, if_none_match)
    if holds:
        condition.check('"a"')
    else:
        with pytest.raises(PreconditionFailed):
            condition.check('"a"')
    ANY.check('"a"')
