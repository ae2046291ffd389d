from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "segments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load what registers itself: what goes over in a merge, what is held of people and for how long."""
        import segments.movers
        import segments.privacy
        import segments.retention  # noqa: F401
