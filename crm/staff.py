"""The staff site: Django's admin under our own roof."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig


class StaffSite(AdminSite):
    site_header = site_title = "Fairway"
    index_title = "Home"


class StaffAdminConfig(AdminConfig):
    default_site = "crm.staff.StaffSite"
