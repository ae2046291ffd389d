"""Commands beside a `make run`: they work on its servers, whatever shell they are typed in."""

import json
from pathlib import Path

from crm.embedded.environment import beside_run

FACTS = {
    "url": "http://127.0.0.1:8123",
    "databaseUrl": "postgresql://fairway_app@127.0.0.1:4001/fairway",
    "redisUrl": "redis://127.0.0.1:4002/0",
}


def test_beside_a_run_its_servers_and_its_secret_are_used(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(FACTS))
    (tmp_path / "secret_key").write_text("the secret")
    found = beside_run({"LOG_LEVEL": "ERROR"}, tmp_path)
    assert found["DATABASE_URL"] == FACTS["databaseUrl"]
    assert found["MIGRATION_DATABASE_URL"] == "postgresql://fairway_owner@127.0.0.1:4001/fairway"
    assert (found["REDIS_URL"], found["PORT"]) == (FACTS["redisUrl"], "8123")
    assert (found["SECRET_KEY"], found["FAIRWAY_EMBEDDED"], found["LOG_LEVEL"]) == (
        "the secret",
        "1",
        "ERROR",
    )


def test_what_is_given_stands_and_a_server_of_ones_own_has_no_second_role(tmp_path: Path) -> None:
    own = FACTS | {"databaseUrl": "postgresql://me:secret@db.example/crm"}
    (tmp_path / "run.json").write_text(json.dumps(own))
    found = beside_run({"REDIS_URL": "redis://mine/0"}, tmp_path)
    assert (found["DATABASE_URL"], found["REDIS_URL"]) == (own["databaseUrl"], "redis://mine/0")
    assert "MIGRATION_DATABASE_URL" not in found


def test_without_a_run_nothing_is_added(tmp_path: Path) -> None:
    assert beside_run({"A": "b"}, tmp_path) == {"A": "b"}
