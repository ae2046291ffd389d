"""`python -m tests.bench`: measure in a database of its own, print one table, write var/bench.json."""

import os
import subprocess
import sys

from tests.bench.database import own_database


def main() -> int:
    with own_database(os.environ) as env:
        return subprocess.call([sys.executable, "-m", "tests.bench.run"], env=env)


if __name__ == "__main__":
    sys.exit(main())
