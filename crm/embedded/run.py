"""`make run`: servers, schema, demo and every process of the platform, under one terminal."""

import http.client
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from crm.embedded import EmbeddedError
from crm.embedded.console import Console
from crm.embedded.environment import environment, kept_secret_key, servers_to_embed, write_private
from crm.embedded.given import check_databases
from crm.embedded.locking import owned
from crm.embedded.processes import Process, Processes
from crm.embedded.programs import WEB_THREADS, background, manage, web
from crm.embedded.servers import HOST, Server, start
from crm.embedded.supervisor import Service, Stopped, Supervisor

WEB_DEATHS = 3  # so often the web process may end before its first answer
BANNER = """
Fairway is running.

  Admin      {url}/admin/
             {adminEmail}   {adminPassword}
  API docs   {url}/api/docs/
  API key    {apiKey}

The same facts are in {path}. Ctrl-C stops everything; the data stays for the next run.
"""


def run(environ: Mapping[str, str], *, var: Path) -> int:
    """Run the platform until somebody stops it. Raises EmbeddedError when it can't start."""
    with owned(var) as lock, Processes(hold=lock) as processes:
        group = Group(environ, var, Supervisor(processes, Console()))
        try:
            group.run()
        except Stopped:
            return 0
        finally:
            group.stop()


class Group:
    """Every process of the platform, in the order of their needs."""

    def __init__(self, environ: Mapping[str, str], var: Path, supervisor: Supervisor) -> None:
        self.environ, self.var = environ, var
        self.supervisor, self.processes = supervisor, supervisor.processes
        self.console = supervisor.console
        self.port = web_port(environ)
        self.facts: dict[str, object] = {}
        self.facts_path = var / "run.json"
        self.counters = var / "metrics"

    def run(self) -> NoReturn:
        self.supervisor.listen()
        self.facts_path.unlink(missing_ok=True)
        self.processes.remove_at_end(self.facts_path)
        self.env = self.start_servers()
        web = self.start_web()  # it takes its time to load: meanwhile the schema
        with self.console.step("Schema up to date"):
            self.manage("migrate", "--no-input")
        with self.console.step("Demo can be entered"):
            self.learn_facts()
        with self.console.step("Web process answers"):
            self.wait_for_answer(web)
        quiet = {"LOG_LEVEL": "WARNING"} | self.env  # a line per task would bury everything else
        for name, command in background().items():
            self.supervisor.start(self.service(name, command, env=quiet))
        self.supervisor.changed = self.write_facts
        self.write_facts()
        self.console.say(BANNER.format(**self.facts, path=self.facts_path))
        self.supervisor.start(self.service("demo", manage("load_demo", "--if-empty"), restarts=False))
        while True:
            self.supervisor.tick()

    def start_servers(self) -> dict[str, str]:
        """Start the servers that are not given; the environment to reach all of them."""
        check_databases(self.environ)
        empty(self.counters)
        postgres, valkey = servers_to_embed(self.environ, self.var)
        for server in (postgres, valkey):
            if server is not None:
                with self.console.step(f"{server.title} on port {server.port}"):
                    self.start_server(server)
        key = kept_secret_key(self.var)
        made = environment(self.environ, self.var, postgres=postgres, valkey=valkey, secret_key=key)
        return {"LOG_FORMAT": "text"} | made | {"PORT": str(self.port)}

    def start_server(self, server: Server) -> None:
        process = start(server, self.processes, wait=self.supervisor.tick)
        service = Service(server.name, lambda: server.spawn(self.processes), patience=server.patience)
        self.supervisor.adopt(service, process)

    def start_web(self) -> Service:
        env = {"DATABASE_POOL": str(WEB_THREADS)} | self.env
        service = self.service("web", web(self.port), env=env)
        self.supervisor.start(service)
        return service

    def wait_for_answer(self, service: Service) -> None:
        while not answers(self.port):
            if service.deaths >= WEB_DEATHS:
                raise EmbeddedError("the web process does not start: its lines above say why")
            self.supervisor.tick(0.05)

    def learn_facts(self) -> None:
        *_, facts = self.manage("demo_access").splitlines()  # log lines may stand before it
        self.facts = {"url": f"http://{HOST}:{self.port}"} | json.loads(facts)

    def manage(self, *arguments: str) -> str:
        """Run a management command to its end and give what it printed."""
        process = self.processes.spawn(
            manage(*arguments), output=subprocess.PIPE, errors=subprocess.PIPE, env=self.env
        )
        return self.supervisor.finish(arguments[0], process)

    def service(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        restarts: bool = True,
    ) -> Service:
        """A process of the platform; what all of them count together, /metrics tells."""

        def spawn() -> Process:
            counted = {**(env or self.env), "PROMETHEUS_MULTIPROC_DIR": str(self.counters)}
            return self.processes.spawn(command, output=subprocess.PIPE, env=counted)

        return Service(name, spawn, restarts=restarts)

    def write_facts(self) -> None:
        """Tell programs what the banner tells people, and who is who."""
        services = self.supervisor.services.values()
        pids = {s.name: s.process.pid for s in services if s.restarts and s.process is not None}
        addresses = {"databaseUrl": self.env["DATABASE_URL"], "redisUrl": self.env["REDIS_URL"]}
        facts = self.facts | addresses | {"pids": pids | {"supervisor": os.getpid()}}
        write_private(self.facts_path, json.dumps(facts, indent=2) + "\n")

    def stop(self) -> None:
        """Stop in the order in which nobody misses what he needs."""
        self.console.say("Stopping …")
        for names in (
            ("web",),
            ("worker", "slow-worker", "send-worker", "consumer", "beat", "demo"),
            ("valkey",),
            ("postgres",),
        ):
            self.supervisor.stop(*names)
        self.console.say("Stopped.")


def web_port(environ: Mapping[str, str]) -> int:
    """The port to serve on. Raises EmbeddedError where it can't be had."""
    given = environ.get("PORT") or "8000"
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise EmbeddedError(f"PORT={given} is not a port: use a number from 1 to 65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(given)))
        except OSError as problem:
            raise EmbeddedError(
                f"port {given} can't be used ({problem.strerror}): choose another one, as in `PORT=8080 make run`"
            ) from None
    return int(given)


def empty(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)


def answers(port: int) -> bool:
    """Whether the web process takes requests."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/health/live")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True
