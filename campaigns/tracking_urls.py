"""The addresses that stand in messages: no log-in, no cookies, a signed token each."""

from django.urls import path

from campaigns import preference_views, tracking_views

urlpatterns = [
    path("o/<str:token>.gif", tracking_views.opened, name="message-open"),
    path("c/<str:token>", tracking_views.clicked, name="message-click"),
    path("u/<str:token>", tracking_views.unsubscribed, name="message-unsubscribe"),
    path("p/<str:token>", preference_views.preferred, name="message-preferences"),
    path("v/<str:token>", tracking_views.viewed, name="message-view"),
    path("k/<str:token>", preference_views.confirmed, name="confirm-consent"),
    path("s/<str:color>.css", tracking_views.colors, name="brand-colors"),
]
