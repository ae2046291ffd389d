"""The embedded PostgreSQL: its roles, its start after a kill, its refusals."""

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from crm.embedded import EmbeddedError
from crm.embedded.guardian import is_running
from crm.embedded.postgres import Postgres
from crm.embedded.postmaster import processes_in
from crm.embedded.processes import Processes
from crm.embedded.roles import APPLICATION, OWNER
from crm.embedded.servers import start

ROLES = "SELECT rolname, rolsuper, rolcreatedb FROM pg_roles WHERE rolname LIKE 'fairway%' ORDER BY rolname"


def test_the_owner_makes_tables_and_the_application_only_fills_them(
    tmp_path: Path, processes: Processes
) -> None:
    postgres = Postgres(tmp_path / "a folder" / "postgres", durable=False)
    start(postgres, processes)
    with psycopg.connect(postgres.url(OWNER)) as owner:
        assert owner.execute(ROLES).fetchall() == [(APPLICATION, False, False), (OWNER, False, True)]
        owner.execute("CREATE EXTENSION pg_trgm")
        owner.execute("CREATE EXTENSION btree_gin")
        owner.execute(
            "CREATE TABLE rounds (id bigint GENERATED ALWAYS AS IDENTITY, holes int, old_id serial)"
        )
    with psycopg.connect(postgres.url(APPLICATION)) as application:
        assert application.execute("INSERT INTO rounds (holes) VALUES (18) RETURNING id").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("DROP TABLE rounds")


def test_a_database_made_later_gives_the_application_its_rights(tmp_path: Path, processes: Processes) -> None:
    postgres = Postgres(tmp_path, durable=False)
    start(postgres, processes)
    with psycopg.connect(postgres.url(OWNER), autocommit=True) as owner:
        owner.execute("CREATE DATABASE test_fairway")
    with psycopg.connect(postgres.url(OWNER, "test_fairway")) as owner:
        owner.execute("CREATE TABLE rounds (holes int)")
    with psycopg.connect(postgres.url(APPLICATION, "test_fairway")) as application:
        assert application.execute("SELECT * FROM rounds").fetchall() == []


def test_rows_survive_a_killed_server_and_the_next_start_finds_them(
    tmp_path: Path, processes: Processes
) -> None:
    postgres = Postgres(tmp_path)
    killed = start(postgres, processes)
    with psycopg.connect(postgres.url(OWNER)) as owner:
        owner.execute("CREATE TABLE rounds AS SELECT generate_series(1, 1000)")
    os.kill(killed.pid, signal.SIGKILL)  # not reaped: its number stays taken by a zombie
    again = Postgres(tmp_path)
    start(again, processes)
    with psycopg.connect(again.url(APPLICATION)) as application:
        assert application.execute("SELECT count(*) FROM rounds").fetchone() == (1000,)


def test_a_lock_file_with_the_number_of_another_program_does_not_stop_the_start(
    tmp_path: Path, processes: Processes
) -> None:
    postgres = Postgres(tmp_path, durable=False)
    postgres.create()
    (postgres.data / "postmaster.pid").write_text(f"{os.getppid()}\n{postgres.data}\n")
    start(postgres, processes)
    assert postgres.answers()


def test_a_server_that_outlived_its_supervisor_makes_way(tmp_path: Path, processes: Processes) -> None:
    left_over = start(Postgres(tmp_path, durable=False), processes)
    again = Postgres(tmp_path, durable=False)
    process = start(again, processes)
    assert left_over.wait() == 0
    assert again.answers()
    assert process.poll() is None


def test_data_of_another_major_version_is_refused(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path)
    postgres.data.mkdir()
    (postgres.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 15, this is 18"):
        postgres.create()


def test_another_server_on_the_port_is_not_taken_for_ours(tmp_path: Path, processes: Processes) -> None:
    theirs, ours = Postgres(tmp_path / "theirs", durable=False), Postgres(tmp_path / "ours", durable=False)
    start(theirs, processes)
    ours.port = theirs.port
    assert not ours.answers()
    start(ours, processes)
    assert ours.answers()
    assert ours.port != theirs.port


def test_a_stopped_server_leaves_no_process(tmp_path: Path, processes: Processes) -> None:
    postgres = Postgres(tmp_path, durable=False)
    process = start(postgres, processes)
    assert process.pid in processes_in(postgres.data)
    processes.stop(process)
    assert process.returncode == 0
    deadline = time.monotonic() + 2
    while processes_in(postgres.data) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes_in(postgres.data) == set()
    assert not is_running(process.pid)
