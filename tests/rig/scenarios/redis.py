"""Redis forgets, dies, is away, is full, hangs: work is late by a little, people go on, nobody restarts anything."""

import time

from tests.rig.frame import answers_were_fine, scenario, stayed_alive, strike
from tests.rig.platform import Failure, Rig


@scenario("Q5", "F3", times=5)
def redis_is_emptied(rig: Rig, times: int) -> None:
    before = rig.pids()
    strike(rig, times, rig.flush_redis)
    stayed_alive(rig, before)


@scenario("Q5", times=5)
def redis_is_killed_and_keeps_nothing(rig: Rig, times: int) -> None:
    before = rig.pids()
    strike(rig, times, rig.lose_redis)
    stayed_alive(rig, before)


@scenario("F3")
def redis_is_killed_and_keeps_its_data(rig: Rig, times: int) -> None:
    before = rig.pids()
    strike(rig, times, lambda: rig.kill("valkey"), rest=1)
    stayed_alive(rig, before)


@scenario("Q6", "F3", times=300)
def redis_is_away(rig: Rig, times: int) -> None:
    """`times` seconds long. People go on working, logins too; nobody restarts anything afterwards."""
    before, began = rig.pids(), time.time()
    with rig.without("valkey"):
        rig.wait(min(5, times))
        rig.log_in()
        if rig.health()["status"] != "degraded" or rig.get("/health/ready").status_code != 200:
            raise Failure("without Redis, /health must say degraded and ready must stay 200")
        rig.wait(max(0, times - 5))
    answers_were_fine(rig, began, time.time())
    strike(rig, 1, lambda: None, rest=0, within=60)
    stayed_alive(rig, before)


@scenario("F3", times=20)
def redis_is_full(rig: Rig, times: int) -> None:
    before, began = rig.pids(), time.time()
    rig.note("maxmemory reached")
    rig.valkey().config_set("maxmemory", "1mb")
    rig.wait(times)
    answers_were_fine(rig, began, time.time())
    rig.valkey().config_set("maxmemory", "0")
    strike(rig, 1, lambda: None, rest=0, within=60)
    stayed_alive(rig, before)


@scenario("F3", times=30)
def redis_hangs(rig: Rig, times: int) -> None:
    """As DEBUG SLEEP: connected, and no answer for `times` seconds."""
    before, began = rig.pids(), time.time()
    with rig.frozen("valkey"):
        rig.wait(times)
    answers_were_fine(rig, began, time.time())
    strike(rig, 1, lambda: None, rest=0, within=60)
    stayed_alive(rig, before)
