"""Makes the staff site the default admin site. Imports no models: Django loads this before them."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    default_site = "crm.staff.site.StaffSite"
