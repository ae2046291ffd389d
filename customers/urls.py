"""Addresses of the customer endpoints."""

from django.urls import path

from customers.consent_views import CustomerConsents
from customers.custom_views import CustomFieldList, CustomFieldOne
from customers.device_views import CustomerDevices
from customers.duplicate_views import DuplicateDismiss, DuplicateList
from customers.export_views import CustomerExport
from customers.history_views import CustomerHistory, CustomerProvenance
from customers.household_views import CustomerHousehold, HouseholdList, HouseholdOne
from customers.merge_views import (
    CustomerMerge,
    CustomerMergeMany,
    CustomerMerges,
    CustomerUnmerge,
    MergePreview,
)
from customers.privacy_views import CustomerDataExport, CustomerErase
from customers.suppression_views import SuppressionList, SuppressionOne
from customers.tag_views import CustomerTags, TagList, TagOne
from customers.views import CustomerFind, CustomerList, CustomerOne, CustomerResolve, CustomerRestore

urlpatterns = [
    path("custom-fields", CustomFieldList.as_view(), name="custom-fields"),
    path("custom-fields/<str:pk>", CustomFieldOne.as_view(), name="custom-field"),
    path("customers", CustomerList.as_view(), name="customers"),
    path("customers/export", CustomerExport.as_view(), name="customer-export"),
    path("customers/merge", CustomerMergeMany.as_view(), name="customer-merge-many"),
    path("customers/resolve", CustomerResolve.as_view(), name="customer-resolve"),
    path("customers/search", CustomerFind.as_view(), name="customer-search"),
    path("customers/<str:pk>", CustomerOne.as_view(), name="customer"),
    path("customers/<str:pk>/consents", CustomerConsents.as_view(), name="customer-consents"),
    path("customers/<str:pk>/data-export", CustomerDataExport.as_view(), name="customer-data-export"),
    path("customers/<str:pk>/devices", CustomerDevices.as_view(), name="customer-devices"),
    path("customers/<str:pk>/erase", CustomerErase.as_view(), name="customer-erase"),
    path("customers/<str:pk>/history", CustomerHistory.as_view(), name="customer-history"),
    path("customers/<str:pk>/provenance", CustomerProvenance.as_view(), name="customer-provenance"),
    path("customers/<str:pk>/household", CustomerHousehold.as_view(), name="customer-household"),
    path("households", HouseholdList.as_view(), name="households"),
    path("households/<str:pk>", HouseholdOne.as_view(), name="household"),
    path("customers/<str:pk>/tags", CustomerTags.as_view(), name="customer-tags"),
    path("suppressions", SuppressionList.as_view(), name="suppressions"),
    path("suppressions/<str:pk>", SuppressionOne.as_view(), name="suppression"),
    path("tags/<path:name>", TagOne.as_view(), name="tag"),
    path("duplicates", DuplicateList.as_view(), name="duplicates"),
    path("duplicates/<str:pk>/dismiss", DuplicateDismiss.as_view(), name="duplicate-dismiss"),
    path("customers/<str:pk>/merge", CustomerMerge.as_view(), name="customer-merge"),
    path("customers/<str:pk>/merge-preview", MergePreview.as_view(), name="merge-preview"),
    path("customers/<str:pk>/merges", CustomerMerges.as_view(), name="customer-merges"),
    path("customers/<str:pk>/unmerge", CustomerUnmerge.as_view(), name="customer-unmerge"),
    path("tags", TagList.as_view(), name="tags"),
    path("customers/<str:pk>/restore", CustomerRestore.as_view(), name="customer-restore"),
]
