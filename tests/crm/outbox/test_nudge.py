"""nudge(): soon where it can, never in the way."""

import json
import socket
import time

import pytest
from celery import current_app

from crm.outbox.nudge import EXPIRES, Pause, nudge, taken
from tests.servers import redis_at

TASK = "timeline.process_events"


def queued(redis, queue="events"):
    return [json.loads(message)["headers"] for message in redis.lrange(f"fairway:{queue}", 0, -1)]


def test_a_task_is_queued_with_its_arguments(redis):
    assert nudge(TASK, "t-1", queue="events")
    (message,) = queued(redis)
    assert (message["task"], message["argsrepr"]) == (TASK, "('t-1',)")
    assert message["expires"] is not None
    assert EXPIRES <= 600


def test_while_one_waits_the_same_is_not_queued_again(redis):
    for _ in range(50):
        assert nudge(TASK, "t-1", queue="events")
    nudge(TASK, "t-2", queue="events")
    nudge(TASK, "t-1", queue="events-high")
    assert len(queued(redis)) == 2
    assert len(queued(redis, "events-high")) == 1


def test_once_a_worker_has_taken_it_the_next_is_queued(redis):
    nudge(TASK, "t-1", queue="events")
    taken(queued(redis)[0])
    nudge(TASK, "t-1", queue="events")
    assert len(queued(redis)) == 2


def test_a_message_that_was_lost_stands_in_the_way_for_seconds_only(redis):
    nudge(TASK, "t-1", queue="events")
    redis.delete("fairway:events")
    (mark,) = redis.keys("fairway:nudge:*")
    assert 0 < redis.ttl(mark) <= 10


def test_without_redis_it_gives_up_at_once_and_then_does_not_even_try(no_redis):
    began = time.monotonic()
    assert not nudge(TASK, "t-1")
    assert time.monotonic() - began < 0.5
    assert Pause.until > time.monotonic()
    began = time.monotonic()
    assert not any(nudge(TASK, str(number)) for number in range(1000))
    assert time.monotonic() - began < 0.1


def test_a_redis_that_never_answers_costs_half_a_second(settings):
    deaf = socket.create_server(("127.0.0.1", 0))
    with deaf, redis_at(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0", settings):
        began = time.monotonic()
        assert not nudge(TASK, "t-1")
        assert time.monotonic() - began < 1.0


def test_a_broker_that_is_away_costs_no_waiting_either(redis, settings):
    """Redis answers, but the broker is another server, and that one is down."""
    current_app.conf.broker_url = "redis://127.0.0.1:1/0"
    began = time.monotonic()
    assert not nudge(TASK, "t-1")
    assert time.monotonic() - began < 1.0


def test_it_tries_again_after_the_pause(redis):
    Pause.until = time.monotonic() + 0.2
    assert not nudge(TASK, "t-1", queue="events")
    time.sleep(0.25)
    assert nudge(TASK, "t-1", queue="events")


@pytest.mark.parametrize("headers", [None, {}, {"nudge": None}])
def test_a_message_without_a_mark_is_taken_as_well(redis, headers):
    taken(headers)
