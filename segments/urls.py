"""Addresses of the segment endpoints."""

from django.urls import path

from segments.explain_views import SegmentExplain, SegmentFields, SegmentSchema, SegmentTemplates
from segments.member_views import SegmentChanges, SegmentMembers
from segments.preview_views import RulesPreview, SegmentOverlap, SegmentPreview
from segments.views import (
    SegmentClone,
    SegmentConsumers,
    SegmentList,
    SegmentOne,
    SegmentRefresh,
    SegmentSnapshot,
    SegmentToMessaging,
)

urlpatterns = [
    path("segments", SegmentList.as_view(), name="segments"),
    path("segments/fields", SegmentFields.as_view(), name="segment-fields"),
    path("segments/preview", RulesPreview.as_view(), name="segment-rules-preview"),
    path("segments/schema", SegmentSchema.as_view(), name="segment-schema"),
    path("segments/templates", SegmentTemplates.as_view(), name="segment-templates"),
    path("segments/<str:pk>", SegmentOne.as_view(), name="segment"),
    path("segments/<str:pk>/changes", SegmentChanges.as_view(), name="segment-changes"),
    path("segments/<str:pk>/clone", SegmentClone.as_view(), name="segment-clone"),
    path("segments/<str:pk>/consumers", SegmentConsumers.as_view(), name="segment-consumers"),
    path("segments/<str:pk>/explain", SegmentExplain.as_view(), name="segment-explain"),
    path("segments/<str:pk>/members", SegmentMembers.as_view(), name="segment-members"),
    path("segments/<str:pk>/overlap", SegmentOverlap.as_view(), name="segment-overlap"),
    path("segments/<str:pk>/preview", SegmentPreview.as_view(), name="segment-preview"),
    path("segments/<str:pk>/refresh", SegmentRefresh.as_view(), name="segment-refresh"),
    path("segments/<str:pk>/snapshot", SegmentSnapshot.as_view(), name="segment-snapshot"),
    path("segments/<str:pk>/sync-to-messaging", SegmentToMessaging.as_view(), name="segment-to-messaging"),
]
