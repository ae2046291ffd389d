"""What the platform knows of its own processes."""

from django.db import models


class Heartbeat(models.Model):
    """When beat last ticked, or a worker last took something from a queue, by the database's clock.

    Belongs to no tenant: it is about processes, which serve them all.
    """

    name = models.CharField(max_length=50, primary_key=True, help_text="“beat”, or the queue.")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
