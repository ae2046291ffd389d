"""The worker's side of the broker: what Celery would die of while Redis is away or full, it lives through."""

import time

from celery.worker.consumer import Consumer as CeleryConsumer

PAUSE = 1.0  # seconds before the next try with a broker that answers and refuses


class Consumer(CeleryConsumer):  # type: ignore[misc]
    """Celery's, which reconnects for ever.

    What a broken connection had delivered is not put back by way of that connection: kombu 5.7.0 tries to twice, and
    the second try ends the worker with an AttributeError. The broker gives it out again after `visibility_timeout`,
    and long before that the sweepers find the rows that it was about.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        for channel in getattr(self.connection.transport, "channels", None) or ():
            channel.do_restore = False
        super().on_connection_error_after_connected(exc)
        if isinstance(exc, self.channel_errors):
            time.sleep(PAUSE)
