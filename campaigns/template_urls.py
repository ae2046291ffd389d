"""Addresses of the template endpoints."""

from django.urls import path

from campaigns.template_views import (
    TemplateClone,
    TemplateGallery,
    TemplateList,
    TemplateOne,
    TemplatePreview,
    TemplateVariables,
    WordsPreview,
)

urlpatterns = [
    path("templates", TemplateList.as_view(), name="templates"),
    path("templates/gallery", TemplateGallery.as_view(), name="template-gallery"),
    path("templates/preview", WordsPreview.as_view(), name="template-words-preview"),
    path("templates/variables", TemplateVariables.as_view(), name="template-variables"),
    path("templates/<str:pk>", TemplateOne.as_view(), name="template"),
    path("templates/<str:pk>/clone", TemplateClone.as_view(), name="template-clone"),
    path("templates/<str:pk>/preview", TemplatePreview.as_view(), name="template-preview"),
]
