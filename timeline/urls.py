"""Addresses of the event, activity and note endpoints."""

from django.urls import path

from timeline.consistency_views import Consistency
from timeline.note_views import CustomerNote, CustomerNoteHistory, CustomerNotes
from timeline.views import (
    CustomerActivities,
    CustomerActivity,
    EventList,
    EventOne,
    EventReplay,
    EventsReplay,
    EventStats,
)

urlpatterns = [
    path("customers/<str:pk>/activities", CustomerActivities.as_view(), name="customer-activities"),
    path(
        "customers/<str:pk>/activities/<str:activityId>", CustomerActivity.as_view(), name="customer-activity"
    ),
    path("customers/<str:pk>/notes", CustomerNotes.as_view(), name="customer-notes"),
    path("customers/<str:pk>/notes/<str:noteId>", CustomerNote.as_view(), name="customer-note"),
    path(
        "customers/<str:pk>/notes/<str:noteId>/history",
        CustomerNoteHistory.as_view(),
        name="customer-note-history",
    ),
    path("consistency", Consistency.as_view(), name="consistency"),
    path("events", EventList.as_view(), name="events"),
    path("events/stats", EventStats.as_view(), name="event-stats"),
    path("events/replay", EventsReplay.as_view(), name="events-replay"),
    path("events/<str:pk>", EventOne.as_view(), name="event"),
    path("events/<str:pk>/replay", EventReplay.as_view(), name="event-replay"),
]
