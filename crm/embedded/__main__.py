"""`python -m crm.embedded run`, `exec` and `roles`: see --help."""

import argparse
import os
import signal
import sys
from pathlib import Path

import psycopg

from crm.embedded import VAR, EmbeddedError
from crm.embedded.execute import execute
from crm.embedded.processes import die_with_parent
from crm.embedded.roles import DATABASE, create_roles
from crm.embedded.run import run


def parser() -> argparse.ArgumentParser:
    commands = argparse.ArgumentParser(prog="python -m crm.embedded", description="Fairway's local set-up.")
    verbs = commands.add_subparsers(dest="verb", required=True)
    verbs.add_parser("run", help="run the whole platform until Ctrl-C")
    single = verbs.add_parser("exec", help="run one command with its servers around it")
    single.add_argument("--throwaway", action="store_true", help="fresh servers, removed afterwards")
    single.add_argument("--durable", action="store_true", help="as safe on disk as the servers of `run`")
    single.add_argument("command", nargs="+", help="after --")
    roles = verbs.add_parser("roles", help="create the two roles and their database on a server of your own")
    roles.add_argument("url", help="of a superuser")
    roles.add_argument("--database", default=DATABASE)
    for verb in (verbs.choices["run"], single):
        verb.add_argument("--var", type=Path, default=VAR, help="where data and state live")
        verb.add_argument("--with-parent", action="store_true", help="stop when the starting process ends")
    return commands


def main() -> int:
    arguments = parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if getattr(arguments, "with_parent", False):
        die_with_parent(signal.SIGTERM, os.getppid())
    try:
        match arguments.verb:
            case "run":
                return run(os.environ, var=arguments.var.resolve())
            case "exec":
                return execute(
                    arguments.command,
                    os.environ,
                    throwaway=arguments.throwaway,
                    durable=arguments.durable or not arguments.throwaway,
                    var=arguments.var.resolve(),
                )
            case _:
                create_roles(arguments.url, arguments.database)
                return 0
    except (EmbeddedError, psycopg.OperationalError) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except PermissionError as problem:
        print(f"\n{problem}. Was it made by another user?", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
