from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "segments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load what registers itself: in merging, in the customers' API, in erasure and retention, for new tenants."""
        import segments.movers
        import segments.panels
        import segments.privacy
        import segments.ready_made
        import segments.retention  # noqa: F401
