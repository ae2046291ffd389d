"""How the platform is: for probes, for Prometheus, for people."""

from crm.health.middleware import HealthMiddleware

__all__ = ["HealthMiddleware"]
