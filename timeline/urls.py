"""Addresses of the event and activity endpoints."""

from django.urls import path

from timeline.views import CustomerActivities, EventList, EventOne, EventReplay, EventsReplay, EventStats

urlpatterns = [
    path("customers/<str:pk>/activities", CustomerActivities.as_view(), name="customer-activities"),
    path("events", EventList.as_view(), name="events"),
    path("events/stats", EventStats.as_view(), name="event-stats"),
    path("events/replay", EventsReplay.as_view(), name="events-replay"),
    path("events/<str:pk>", EventOne.as_view(), name="event"),
    path("events/<str:pk>/replay", EventReplay.as_view(), name="event-replay"),
]
