"""How many messages may leave just now."""

import time
from datetime import date, timedelta

import pytest

from campaigns.allowances import Limit, a_minute, give_back, take, warm_up_of
from campaigns.models import Sender

pytestmark = pytest.mark.usefixtures("tenant")


def test_no_more_is_given_than_is_left_and_what_is_given_back_can_be_taken() -> None:
    limit = Limit("x", most=5, rate=0)
    assert [take([limit], 3), take([limit], 3), take([limit], 3)] == [3, 2, 0]
    give_back([limit], 2)
    assert take([limit], 9) == 2


def test_it_grows_back_with_time_and_not_beyond_its_most() -> None:
    limit = Limit("x", most=2, rate=50)
    assert take([limit], 9) == 2
    time.sleep(0.1)
    assert take([limit], 9) == 2


def test_of_several_limits_the_tightest_holds_and_the_others_lose_nothing() -> None:
    wide, tight = Limit("wide", 10, 0), Limit("tight", 4, 0)
    assert take([wide, tight], 8) == 4
    assert take([wide], 9) == 6


@pytest.mark.parametrize("count", [60, 600, 6_000, 60_000])
def test_no_second_sees_five_percent_more_than_its_share(count: int) -> None:
    limit = a_minute("x", count)
    assert limit.most + limit.rate <= 1.05 * count / 60 or limit.most == 1


def test_a_new_domain_sends_more_each_day_until_it_is_warm() -> None:
    day = date(2026, 12, 1)
    sender = Sender(warm_up_from=day)
    most = [found.most for ahead in range(30) if (found := warm_up_of(sender, day + timedelta(ahead)))]
    assert most[:3] == [200, 300, 450]
    assert most == sorted(most)
    assert warm_up_of(sender, day + timedelta(days=30)) is None
    assert warm_up_of(Sender(), day) is None
