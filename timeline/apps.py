from django.apps import AppConfig


class TimelineConfig(AppConfig):
    name = "timeline"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load what registers itself: the recorder of acts, what goes over in a merge, what is held of people."""
        import timeline.movers
        import timeline.privacy
        import timeline.retention
        import timeline.services  # noqa: F401
