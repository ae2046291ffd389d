"""Addresses of the campaign and message endpoints."""

from django.urls import path

from campaigns.message_views import MessageList, MessageOne, MessageResolve
from campaigns.trial_views import CampaignPreview, CampaignTestSend
from campaigns.views import (
    CampaignApprove,
    CampaignCancel,
    CampaignClone,
    CampaignExecute,
    CampaignList,
    CampaignOne,
    CampaignPause,
    CampaignPreflight,
    CampaignRecipients,
    CampaignResume,
    CampaignSchedule,
    CampaignStats,
    CampaignUnschedule,
    CampaignWinner,
)

urlpatterns = [
    path("campaigns", CampaignList.as_view(), name="campaigns"),
    path("campaigns/<str:pk>", CampaignOne.as_view(), name="campaign"),
    path("campaigns/<str:pk>/approve", CampaignApprove.as_view(), name="campaign-approve"),
    path("campaigns/<str:pk>/cancel", CampaignCancel.as_view(), name="campaign-cancel"),
    path("campaigns/<str:pk>/clone", CampaignClone.as_view(), name="campaign-clone"),
    path("campaigns/<str:pk>/execute", CampaignExecute.as_view(), name="campaign-execute"),
    path("campaigns/<str:pk>/pause", CampaignPause.as_view(), name="campaign-pause"),
    path("campaigns/<str:pk>/preflight", CampaignPreflight.as_view(), name="campaign-preflight"),
    path("campaigns/<str:pk>/preview", CampaignPreview.as_view(), name="campaign-preview"),
    path("campaigns/<str:pk>/recipients", CampaignRecipients.as_view(), name="campaign-recipients"),
    path("campaigns/<str:pk>/resume", CampaignResume.as_view(), name="campaign-resume"),
    path("campaigns/<str:pk>/schedule", CampaignSchedule.as_view(), name="campaign-schedule"),
    path("campaigns/<str:pk>/stats", CampaignStats.as_view(), name="campaign-stats"),
    path("campaigns/<str:pk>/test-send", CampaignTestSend.as_view(), name="campaign-test-send"),
    path("campaigns/<str:pk>/unschedule", CampaignUnschedule.as_view(), name="campaign-unschedule"),
    path("campaigns/<str:pk>/winner", CampaignWinner.as_view(), name="campaign-winner"),
    path("messages", MessageList.as_view(), name="messages"),
    path("messages/<str:pk>", MessageOne.as_view(), name="message"),
    path("messages/<str:pk>/resolve", MessageResolve.as_view(), name="message-resolve"),
]
