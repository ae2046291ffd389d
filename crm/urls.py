"""Every address of Fairway."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from crm.rest.docs import DocsView, SchemaView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/admin/"), name="home"),
    path("", include("crm.health.views")),
    path("admin/", admin.site.urls),
    path("t/", include("campaigns.tracking_urls")),
    path("webhooks/", include("campaigns.webhooks")),
    path("api/v1/", include("customers.urls")),
    path("api/v1/", include("timeline.urls")),
    path("api/v1/", include("segments.urls")),
    path("api/v1/", include("campaigns.template_urls")),
    path("api/v1/", include("campaigns.urls")),
    path("api/schema/", SchemaView.as_view(), name="api-schema"),
    path("api/docs/", DocsView.as_view(), name="api-docs"),
]
handler400 = "crm.staff.errors.bad_request"
handler403 = "crm.staff.errors.permission_denied"
handler404 = "crm.staff.errors.page_not_found"
handler500 = "crm.rest.errors.server_error"
