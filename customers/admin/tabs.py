"""The tabs of a person's page, and what stands above them: apps above add theirs, so that this one need not know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from crm.tenancy.access import queried
from customers.models import CustomerProfile


@dataclass(frozen=True, slots=True)
class Panel:
    """What a tab shows. `digest` changes when an open page should be refreshed."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""


Loader = Callable[[HttpRequest, CustomerProfile], Panel]


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    title: Any
    icon: str
    position: int
    load: Loader


_tabs: dict[str, Tab] = {}


def tab(key: str, title: Any, *, icon: str, position: int) -> Callable[[Loader], Loader]:
    """Register the decorated loader as a tab; the one with the smallest position opens first."""

    def register(load: Loader) -> Loader:
        _tabs[key] = Tab(key, title, icon, position, load)
        return load

    return register


def tabs() -> list[Tab]:
    return sorted(_tabs.values(), key=lambda one: one.position)


def chosen_tab(request: HttpRequest) -> Tab:
    return _tabs.get(queried(request, "tab"), tabs()[0])


_banners: list[Loader] = []


def banner(load: Loader) -> Loader:
    """Register a loader of something that stands above the tabs, whichever is open."""
    _banners.append(load)
    return load


def banners(request: HttpRequest, profile: CustomerProfile) -> list[Panel]:
    return [load(request, profile) for load in _banners]
