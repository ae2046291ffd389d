"""Processes of every kind die, are asked to end, or run twice."""

import signal

from crm.embedded.programs import background
from tests.rig.frame import resumes, scenario, strike
from tests.rig.platform import Failure, Rig


@scenario("F1", "I3", "OB1")
def web_processes_are_killed(rig: Rig, times: int) -> None:
    strike(rig, times, lambda: rig.dice.choice((rig.kill, rig.kill_child))("web"), rest=2)


@scenario("F1")
def a_consumer_is_killed(rig: Rig, times: int) -> None:
    strike(rig, times, lambda: rig.kill("consumer"), rest=2)


@scenario("Q8", "F1", times=10)
def beat_is_killed_and_doubled(rig: Rig, times: int) -> None:
    """Due rows decide, not beat: with nudges lost, only what beat sends finds the work."""
    rig.supervisor.start(rig.service("beat2", background()["beat"]))
    strike(rig, times, lambda: rig.kill(rig.dice.choice(("beat", "beat2"))))
    rig.supervisor.stop("beat2")


@scenario("Q9", times=20)
def everything_restarts_in_turn(rig: Rig, times: int) -> None:
    """TERM: each ends its work at hand within 30 s, by itself and without complaint."""
    worst = 0.0
    for number in range(times):
        name = ("worker", "web", "consumer", "worker", "beat")[number % 5]
        process = rig.process(name)
        rig.signal(name, signal.SIGTERM)
        worst = max(worst, rig.until(lambda p=process: p.poll() is not None, within=30, what=f"{name} ends"))  # type: ignore[misc]
        if process.returncode not in (0, -signal.SIGTERM):
            raise Failure(f"{name} ended with {process.returncode} when asked to end")
        rig.process(name)
        rig.wait(rig.dice.uniform(0, 3))
    rig.note(f"ended within {worst:.1f} s")
    resumes(rig)
