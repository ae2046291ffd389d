from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load what registers itself: what is held of people, for how long, and what goes over in a merge."""
        import customers.movers
        import customers.personal_data
        import customers.retention  # noqa: F401
