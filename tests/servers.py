"""The Redis of a test, and programs of the platform running beside it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from celery import current_app
from django.conf import settings as django_settings
from django.db import connection
from redis import Redis

from crm.outbox.nudge import Pause
from crm.outbox.streams import redis_client

CLOSED = "redis://127.0.0.1:1/0"  # nobody listens there


@pytest.fixture
def redis(settings: Any, worker_id: str) -> Iterator[Redis]:
    """An empty database of the Redis server, this test process's own: for streams, cache and Celery's broker."""
    number = 9 + int(worker_id.removeprefix("gw") or 0) if worker_id != "master" else 8
    url = urlunsplit(urlsplit(settings.REDIS_URL)._replace(path=f"/{number}"))
    with redis_at(url, settings):
        client = redis_client()
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def no_redis(settings: Any) -> Iterator[None]:
    """Redis is away."""
    with redis_at(CLOSED, settings):
        yield


@contextmanager
def redis_at(url: str, settings: Any) -> Iterator[None]:
    settings.REDIS_URL = settings.CELERY_BROKER_URL = url
    settings.CACHES = {"default": {**django_settings.CACHES["default"], "LOCATION": url}}
    before = current_app.conf.broker_url
    _point_celery_to(url)
    Pause.until = 0.0
    try:
        yield
    finally:
        Pause.until = 0.0
        _point_celery_to(before)


def _point_celery_to(url: str) -> None:
    """Celery keeps connections for good: drop them with the address."""
    current_app.conf.broker_url = url
    current_app.amqp._producer_pool = None
    current_app._pool = None


def program(*arguments: str) -> "subprocess.Popen[str]":
    """A command of manage.py beside the test."""
    return beside("manage.py", *arguments)


def celery(*arguments: str, **environ: str) -> "subprocess.Popen[str]":
    return beside("-W", "ignore", "-m", "celery", "--quiet", "-A", "crm", *arguments, **environ)


def beside(*arguments: str, **environ: str) -> "subprocess.Popen[str]":
    """A Python program beside the test, on the test's database and Redis."""
    to = connection.settings_dict
    database = f"postgresql://{to['USER']}:{to['PASSWORD']}@{to['HOST']}:{to['PORT'] or 5432}/{to['NAME']}"
    redis = django_settings.REDIS_URL
    servers = {
        "DATABASE_URL": database,
        "MIGRATION_DATABASE_URL": database,
        "REDIS_URL": redis,
        "BROKER_URL": redis,
    }
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=django_settings.BASE_DIR,
        env={**os.environ, **servers, "SECRET_KEY": "a key of the tests", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def eventually(true: Callable[[], object], *, within: float = 60.0) -> None:
    """Wait until something is so. Raises AssertionError when it never is."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.05)
