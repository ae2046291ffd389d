"""Running one command with its servers around it: `python -m crm.embedded exec -- COMMAND`."""

import contextlib
import os
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from crm.embedded import EmbeddedError
from crm.embedded.environment import environment, kept_secret_key, servers_to_embed
from crm.embedded.guardian import remove
from crm.embedded.locking import Busy, owned, try_lock
from crm.embedded.processes import Processes
from crm.embedded.servers import recorded_port, start

THROWAWAY = "throwaway-"
FRESH = 60.0  # seconds in which a throw-away directory may not have its lock yet


def execute(
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    throwaway: bool,
    durable: bool,
    var: Path,
) -> int:
    """Run a command and return its exit code (128 + n for signal n).

    Servers whose address the environment does not give are started before and stopped after it: fresh ones for
    `throwaway`, else those of `var`, borrowed from a `make run` that is under way.
    """
    var.mkdir(parents=True, exist_ok=True)
    sweep(var)
    directory = var
    if throwaway:
        directory = Path(tempfile.mkdtemp(prefix=THROWAWAY, dir=var))
        directory.chmod(0o755)  # PostgreSQL may have to pass as another user
    try:
        with (
            owned(directory) as lock,
            Processes(hold=lock) as processes,
            started(environ, directory, processes, throwaway=throwaway, durable=durable) as env,
        ):
            return run(command, env, processes)
    except Busy:
        with Processes() as processes:
            return run(command, borrowed(environ, var), processes)


@contextlib.contextmanager
def started(
    environ: Mapping[str, str], directory: Path, processes: Processes, *, throwaway: bool, durable: bool
) -> Iterator[dict[str, str]]:
    """Start the missing servers; gives the environment to run in, stops them at the end."""
    if throwaway:
        processes.remove_at_end(directory)
    postgres, valkey = servers_to_embed(environ, directory, durable=durable)
    if throwaway and postgres is not None:
        processes.remove_at_end(postgres.home)
    running = [(server, start(server, processes)) for server in (postgres, valkey) if server is not None]
    secret_key = secrets.token_urlsafe(48) if throwaway else kept_secret_key(directory)
    try:
        yield environment(environ, directory, postgres=postgres, valkey=valkey, secret_key=secret_key)
    finally:
        for server, process in reversed(running):
            processes.stop(process, patience=server.patience)


def borrowed(environ: Mapping[str, str], var: Path) -> dict[str, str]:
    """The environment of servers that another process of this checkout runs. Raises EmbeddedError without them."""
    postgres, valkey = servers_to_embed(environ, var)
    for server in (postgres, valkey):
        if server is not None:
            server.port = recorded_port(server.log.parent) or server.port
            if not server.answers():
                raise EmbeddedError(
                    f"another process of this checkout holds {var}, but its {server.name} is not up"
                )
    return environment(environ, var, postgres=postgres, valkey=valkey, secret_key=kept_secret_key(var))


def run(command: Sequence[str], env: Mapping[str, str], processes: Processes) -> int:
    """Run the command on our terminal; signals that ask us to end go to it, and we wait."""
    try:
        process = processes.spawn(command, output=None, env=env, cwd=Path.cwd(), own_session=False)
    except FileNotFoundError:
        raise EmbeddedError(f"there is no command {command[0]}") from None
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    signal.signal(signal.SIGINT, lambda *_: None)  # a Ctrl-C reaches it by itself
    code = process.wait()
    processes.bury(process)
    return code if code >= 0 else 128 - code


def sweep(var: Path) -> None:
    """Remove throw-away directories that nobody owns any more: their guardians were killed."""
    for directory in var.glob(f"{THROWAWAY}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - directory.stat().st_mtime < FRESH:
                continue
            descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
            try:
                if try_lock(descriptor):
                    remove(directory)
            finally:
                os.close(descriptor)
