from importlib import import_module

from django.apps import AppConfig

from crm import celery

__all__ = ["CrmConfig", "celery"]  # the Celery application is made before anything can send a task


class CrmConfig(AppConfig):
    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("crm.checks")
