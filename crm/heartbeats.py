"""Signs of life: beat's own, and a worker's for each queue that it takes from."""

from django.db import connection

PROBE_EVERY = 20  # seconds
SILENT_AFTER = 90  # seconds without a sign, so that a dead process is seen within two minutes
BEAT = "beat"
PROBED = ("events-high", "events", "default", "sends")  # the queues that something must be taken from


def beat_heart(name: str) -> None:
    """Note that `name` lives, by the database's clock. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_heartbeat (name, at) VALUES (%s, clock_timestamp()) "
            "ON CONFLICT (name) DO UPDATE SET at = excluded.at",
            [name],
        )


def silences() -> dict[str, float | None]:
    """Seconds since the last sign of each process that should give one, None = never. One statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, extract(epoch FROM clock_timestamp() - at)::float8 FROM crm_heartbeat")
        seen: dict[str, float] = dict(cursor.fetchall())
    return {name: seen.get(name) for name in (BEAT, *PROBED)}
