"""The local PostgreSQL and Valkey, and the process group behind `make run`: development and tests only.

Knows nothing of Django: it must run before the project can be imported, and apart from it.
"""

from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var"


class EmbeddedError(Exception):
    """The local set-up can't go on; the text tells a person what is wrong and what to do."""


def wheel(package: str) -> Path:
    """The directory of an installed package, which is not imported. Raises EmbeddedError without it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"the Python package {package} is missing: install the extra 'embedded'")
    return Path(spec.origin).parent
