"""Make `.venv` what `uv.lock` says. Run by the Makefile with any Python 3: it checks the version itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
PIP = [PYTHON, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"]
SYNC = [
    PYTHON,
    "-m",
    "uv",
    "sync",
    "--quiet",
    "--frozen",
    "--all-extras",
    "--no-cache",
    "--no-python-downloads",
]
UV = "uv==0.13.8"


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - any Python 3 may read this file
        hand_over_to_newer()
    os.chdir(ROOT)
    os.environ.pop("VIRTUAL_ENV", None)
    make_environment()
    os.environ["TMPDIR"] = str(VENV)  # nothing is left outside, and files are moved instead of copied
    say("Installing what uv.lock names")
    if not (succeeds(*PIP, UV) and succeeds(*SYNC)):
        say("uv can't do it here, pip tries")
        install_with_pip()
    (VENV / "ready").touch()


def hand_over_to_newer() -> None:
    """Start again under a newer Python of this machine, or say which one is needed."""
    for minor in (14, 13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        if found:
            os.execv(found, [found, "-I", __file__])  # noqa: S606 - no shell is wanted
    fail(
        f"Fairway needs Python 3.11 or newer and this is {version()}: name one with make PYTHON=/path/to/python3"
    )


def make_environment() -> None:
    if succeeds(PYTHON, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))", quiet=True):
        return
    if not succeeds(sys.executable, "-c", "import ensurepip, venv", quiet=True):
        package = f"python{version()}-venv"
        fail(f"This Python can't make environments. On Debian and Ubuntu: apt-get install {package}")
    say(f"Creating .venv with Python {version()}")
    if not succeeds(sys.executable, "-m", "venv", "--clear", str(VENV)):
        fail(f"Python can't create {VENV}: see above")


def install_with_pip() -> None:
    """Install the pinned packages, and of the others the versions that the lock file names."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    names = [package["name"] for package in locked]
    pins = [
        f"{p['name']}=={p['version']}"
        for p in locked
        if names.count(p["name"]) == 1 and "registry" in p["source"]
    ]
    constraints = VENV / "constraints.txt"
    constraints.write_text("\n".join(pins))
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["project"]["dependencies"], *sum(extras, []), *project["dependency-groups"]["dev"]]
    if not succeeds(*PIP, "--constraint", str(constraints), *wanted):
        fail("The packages can't be installed: see above")


def succeeds(*command: str, quiet: bool = False) -> bool:
    errors = subprocess.DEVNULL if quiet else None
    try:
        return subprocess.run(command, stderr=errors).returncode == 0
    except FileNotFoundError:
        return False


def version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def fail(text: str) -> NoReturn:
    sys.exit(f"\n{text}")


if __name__ == "__main__":
    main()
