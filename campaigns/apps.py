from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load what registers itself: in merging, in erasure, with segments, for new tenants."""
        import campaigns.consumers
        import campaigns.movers
        import campaigns.privacy
        import campaigns.ready_made  # noqa: F401
