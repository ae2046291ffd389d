"""The command lines of the platform's own processes."""

import sys

from crm.embedded import ROOT
from crm.embedded.servers import HOST

MANAGE = (sys.executable, str(ROOT / "manage.py"))
AS_ROOT = ("-W", "ignore:You're running the worker with superuser privileges")
CELERY = (sys.executable, *AS_ROOT, "-m", "celery", "--quiet", "--app", "crm")
QUEUES = "events-high,events,default"
SLOW_QUEUES = "scoring"  # what takes minutes has a worker of its own, or events would wait for it
SEND_QUEUES = "sends"  # whose work is waiting for providers
WEB_THREADS = 8


def web(port: int) -> tuple[str, ...]:
    """Gunicorn with threads; without its control socket, which would lie in the home directory."""
    return (
        *(sys.executable, "-m", "gunicorn", "crm.wsgi", "--bind", f"{HOST}:{port}", "--no-control-socket"),
        *("--worker-class", "gthread", "--workers", "2", "--threads", str(WEB_THREADS), "--preload"),
        *("--graceful-timeout", "8", "--timeout", "60", "--log-level", "warning"),
    )


def background() -> dict[str, tuple[str, ...]]:
    """What runs beside the web process, by name."""
    quiet = ("--loglevel", "WARNING")
    lonely = ("--without-gossip", "--without-mingle")  # faster back after a broker restart
    return {
        "worker": (*CELERY, "worker", "--queues", QUEUES, "--concurrency", "2", *lonely, *quiet),
        "slow-worker": (*CELERY, "worker", "--queues", SLOW_QUEUES, "--concurrency", "1", *lonely, *quiet),
        "send-worker": (*CELERY, "worker", "--queues", SEND_QUEUES, "--concurrency", "2", *lonely, *quiet),
        "consumer": manage("consume_events"),
        "beat": (*CELERY, "beat", *quiet),
    }


def manage(*arguments: str) -> tuple[str, ...]:
    return (*MANAGE, *arguments)
