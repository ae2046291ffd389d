"""What is done to the platform, by the ids of promises. Each runs under load, then all is compared."""

from tests.rig.frame import SCENARIOS
from tests.rig.scenarios import everything, outbox, postgres, processes, redis, trouble, workers, writes  # noqa: F401, I001 - their order

__all__ = ["SCENARIOS"]
