"""The permission matrix: who may do what at every address of the API, every staff page and every action.

The tables below are what was decided; the addresses come from the URLconf, so that a new one fails here until it has a
line. A = Admin, M = Marketing, S = Staff, V = Viewer, - = refused with 403, . = not there, or not asked in this way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import RequestFactory

from crm.tenancy.models import Club, Tenant
from crm.tenancy.permissions import Role
from tests.architecture.test_wall import (
    API,
    OF_ONE,
    OF_ONE_FOR_STAFF,
    STAFF,
    TOGETHER,
    filled,
    model_of,
    named,
    rows,
    send,
    staff_rows,
)
from tests.conftest import Api
from tests.factories import ClubFactory
from tests.pages import Browser, log_in, member

__all__ = ["rows"]  # the fixture of the wall: one of each thing that an address of the API can name
LETTERS = {"A": Role.ADMIN, "M": Role.MARKETING, "S": Role.STAFF, "V": Role.VIEWER}

# method, who, address below api/v1/
API_TABLE = """
AMSV GET    customers
AM-- POST   customers
AMSV GET    custom-fields
A--- POST   custom-fields
AMSV GET    custom-fields/<str:pk>
A--- PATCH  custom-fields/<str:pk>
A--- DELETE custom-fields/<str:pk>
AMS- GET    customers/resolve
AM-- POST   customers/resolve
AMSV GET    customers/<str:pk>
AM-- PATCH  customers/<str:pk>
A--- DELETE customers/<str:pk>
AM-- POST   customers/<str:pk>/tags
AM-- DELETE customers/<str:pk>/tags
AMSV GET    customers/<str:pk>/household
AMSV GET    households
AM-- POST   households
AMSV GET    households/<str:pk>
AM-- PATCH  households/<str:pk>
AMSV GET    tags
AMSV GET    customers/<str:pk>/consents
AM-- POST   customers/<str:pk>/consents
AM-- PUT    customers/<str:pk>/devices
AM-- DELETE customers/<str:pk>/devices
AM-- GET    suppressions
AM-- POST   suppressions
AM-- DELETE suppressions/<str:pk>
A--- DELETE tags/<path:name>
A--- POST   customers/<str:pk>/data-export
A--- POST   customers/<str:pk>/erase
AMSV GET    customers/<str:pk>/history
AMSV GET    customers/<str:pk>/provenance
AM-- POST   customers/merge
AM-- POST   customers/<str:pk>/merge
AM-- GET    customers/<str:pk>/merge-preview
AMSV GET    customers/<str:pk>/merges
AM-- POST   customers/<str:pk>/unmerge
A--- POST   customers/<str:pk>/restore
AMSV GET    customers/<str:pk>/activities
AMS- POST   customers/<str:pk>/activities
AMSV GET    customers/<str:pk>/activities/<str:activityId>
A--- PATCH  customers/<str:pk>/activities/<str:activityId>
A--- DELETE customers/<str:pk>/activities/<str:activityId>
AMSV GET    customers/<str:pk>/notes
AMS- POST   customers/<str:pk>/notes
AMSV GET    customers/<str:pk>/notes/<str:noteId>
A--- PATCH  customers/<str:pk>/notes/<str:noteId>
A--- DELETE customers/<str:pk>/notes/<str:noteId>
AMSV GET    customers/<str:pk>/notes/<str:noteId>/history
A--- GET    consistency
A--- GET    duplicates
A--- POST   duplicates/<str:pk>/dismiss
A--- GET    events
A--- POST   events
A--- GET    events/stats
A--- POST   events/replay
A--- GET    events/<str:pk>
A--- POST   events/<str:pk>/replay
AMSV GET    customers/search
AM-- POST   customers/export
AMSV GET    campaigns
AM-- POST   campaigns
AMSV GET    campaigns/<str:pk>
AM-- PATCH  campaigns/<str:pk>
AM-- DELETE campaigns/<str:pk>
AM-- POST   campaigns/<str:pk>/approve
AM-- POST   campaigns/<str:pk>/cancel
AM-- POST   campaigns/<str:pk>/clone
AM-- POST   campaigns/<str:pk>/execute
AM-- POST   campaigns/<str:pk>/pause
AMSV GET    campaigns/<str:pk>/preflight
AMSV GET    campaigns/<str:pk>/preview
AMSV GET    campaigns/<str:pk>/recipients
AM-- POST   campaigns/<str:pk>/resume
AM-- POST   campaigns/<str:pk>/schedule
AMSV GET    campaigns/<str:pk>/stats
AM-- POST   campaigns/<str:pk>/test-send
AM-- POST   campaigns/<str:pk>/unschedule
AM-- POST   campaigns/<str:pk>/winner
AMSV GET    messages
AMSV GET    messages/<str:pk>
AM-- POST   messages/<str:pk>/resolve
AMSV GET    segments
AM-- POST   segments
AM-- POST   segments/preview
AMSV GET    segments/fields
AMSV GET    segments/schema
AMSV GET    segments/templates
AMSV GET    segments/<str:pk>/explain
AMSV GET    segments/<str:pk>
AM-- PATCH  segments/<str:pk>
AM-- DELETE segments/<str:pk>
AMSV GET    segments/<str:pk>/changes
AM-- POST   segments/<str:pk>/clone
AMSV GET    segments/<str:pk>/consumers
AMSV GET    segments/<str:pk>/members
AM-- POST   segments/<str:pk>/members
AM-- DELETE segments/<str:pk>/members
AMSV GET    segments/<str:pk>/overlap
AMSV GET    segments/<str:pk>/preview
AM-- POST   segments/<str:pk>/refresh
AM-- POST   segments/<str:pk>/snapshot
AM-- POST   segments/<str:pk>/sync-to-messaging
AMSV GET    templates
AM-- POST   templates
AMSV GET    templates/gallery
AM-- POST   templates/preview
AMSV GET    templates/variables
AMSV GET    templates/<str:pk>
AM-- PATCH  templates/<str:pk>
AM-- DELETE templates/<str:pk>
AM-- POST   templates/<str:pk>/clone
AMSV GET    templates/<str:pk>/preview
"""

# who looks, who posts, address below admin/
PAGE_TABLE = """
AMSV AMSV customers/customerprofile/find/
AM-- AM-- customers/customerprofile/export/
.... AMSV customers/customerprofile/views/
.... .... customers/customerprofile/views/<uuid:pk>/
.... .... customers/customerprofile/views/<uuid:pk>/remove/
AMSV ---- tenant/
AMSV AMSV live/
AMSV AMSV people/
AMSV AMSV account/
.... AMSV account/name/
.... AMSV account/address/
AMSV AMSV account/new-address/
AMSV AMSV account/second-factor/
.... AMSV account/second-factor/off/
.... AMSV account/recovery-codes/
.... AMSV account/sessions/end/
A--- A--- settings/
A--- A--- retention/
AMSV AMSV (home)
AMSV AMSV password_change/
AMSV .... password_change/done/
.... .... r/<path:content_type_id>/<path:object_id>/
A--- A--- tenancy/auditentry/
---- ---- tenancy/auditentry/add/
.... .... tenancy/auditentry/<path:object_id>/history/
---- ---- tenancy/auditentry/<path:object_id>/delete/
.--- ---- tenancy/auditentry/<path:object_id>/change/
AMSV AMSV tenancy/auditentry/<path:object_id>/
A--- A--- tenancy/club/
A--- A--- tenancy/club/add/
.... .... tenancy/club/<path:object_id>/history/
---- ---- tenancy/club/<path:object_id>/delete/
A--- A--- tenancy/club/<path:object_id>/change/
AMSV AMSV tenancy/club/<path:object_id>/
.... A--- tenancy/staffmembership/<uuid:pk>/password/
.... A--- tenancy/staffmembership/<uuid:pk>/second-factor/
.... A--- tenancy/staffmembership/<uuid:pk>/unlock/
A--- A--- tenancy/staffmembership/
---- ---- tenancy/staffmembership/add/
.... .... tenancy/staffmembership/<path:object_id>/history/
---- ---- tenancy/staffmembership/<path:object_id>/delete/
A--- A--- tenancy/staffmembership/<path:object_id>/change/
AMSV AMSV tenancy/staffmembership/<path:object_id>/
A--- A--- tenancy/invitation/
A--- A--- tenancy/invitation/add/
.... .... tenancy/invitation/<path:object_id>/history/
---- ---- tenancy/invitation/<path:object_id>/delete/
.--- .--- tenancy/invitation/<path:object_id>/change/
AMSV AMSV tenancy/invitation/<path:object_id>/
.--- .--- tenancy/apikey/<uuid:pk>/rotate/
.--- A--- tenancy/apikey/<uuid:pk>/revoke/
A--- A--- tenancy/apikey/
A--- A--- tenancy/apikey/add/
.... .... tenancy/apikey/<path:object_id>/history/
---- ---- tenancy/apikey/<path:object_id>/delete/
A--- A--- tenancy/apikey/<path:object_id>/change/
AMSV AMSV tenancy/apikey/<path:object_id>/
A--- A--- tenancy/staffmail/
---- ---- tenancy/staffmail/add/
.... .... tenancy/staffmail/<path:object_id>/history/
---- ---- tenancy/staffmail/<path:object_id>/delete/
.--- ---- tenancy/staffmail/<path:object_id>/change/
AMSV AMSV tenancy/staffmail/<path:object_id>/
AMSV AMSV customers/tag/<int:pk>/take-away/
AMSV AMSV customers/tag/
---- ---- customers/tag/add/
.... .... customers/tag/<path:object_id>/history/
---- ---- customers/tag/<path:object_id>/delete/
.... ..-- customers/tag/<path:object_id>/change/
AMSV AMSV customers/tag/<path:object_id>/
.... A--- customers/customfield/<uuid:pk>/archive/
.... A--- customers/customfield/<uuid:pk>/remove/
A--- A--- customers/customfield/
A--- A--- customers/customfield/add/
.... .... customers/customfield/<path:object_id>/history/
---- ---- customers/customfield/<path:object_id>/delete/
A--- A--- customers/customfield/<path:object_id>/change/
AMSV AMSV customers/customfield/<path:object_id>/
AMSV AMSV customers/household/<uuid:pk>/
.... AM-- customers/household/<uuid:pk>/edit/
AMSV AMSV customers/household/
---- ---- customers/household/add/
.... .... customers/household/<path:object_id>/history/
---- ---- customers/household/<path:object_id>/delete/
AMSV ---- customers/household/<path:object_id>/change/
AMSV AMSV customers/household/<path:object_id>/
A--- A--- customers/identityrule/
.... A--- customers/identityrule/block/
.... A--- customers/identityrule/switch/
AM-- AM-- customers/duplicatecandidate/<uuid:pk>/
.... AM-- customers/duplicatecandidate/undo/
.... ..-- customers/duplicatecandidate/<uuid:pk>/merge/<uuid:winner>/
.... AM-- customers/duplicatecandidate/<uuid:pk>/dismiss/
AM-- AM-- customers/duplicatecandidate/
---- ---- customers/duplicatecandidate/add/
.... .... customers/duplicatecandidate/<path:object_id>/history/
---- ---- customers/duplicatecandidate/<path:object_id>/delete/
AM-- ---- customers/duplicatecandidate/<path:object_id>/change/
AM-- AM-- customers/duplicatecandidate/<path:object_id>/
AMSV AMSV customers/booking/
---- ---- customers/booking/add/
.... .... customers/booking/<path:object_id>/history/
---- ---- customers/booking/<path:object_id>/delete/
.... ---- customers/booking/<path:object_id>/change/
AMSV AMSV customers/booking/<path:object_id>/
AMSV AMSV customers/membership/
---- ---- customers/membership/add/
.... .... customers/membership/<path:object_id>/history/
---- ---- customers/membership/<path:object_id>/delete/
.... ---- customers/membership/<path:object_id>/change/
AMSV AMSV customers/membership/<path:object_id>/
AMSV AMSV customers/competitionentry/
---- ---- customers/competitionentry/add/
.... .... customers/competitionentry/<path:object_id>/history/
---- ---- customers/competitionentry/<path:object_id>/delete/
.... ---- customers/competitionentry/<path:object_id>/change/
AMSV AMSV customers/competitionentry/<path:object_id>/
AMSV AMSV customers/clubevent/
---- ---- customers/clubevent/add/
.... .... customers/clubevent/<path:object_id>/history/
---- ---- customers/clubevent/<path:object_id>/delete/
.... ---- customers/clubevent/<path:object_id>/change/
AMSV AMSV customers/clubevent/<path:object_id>/
AMSV AMSV customers/order/
---- ---- customers/order/add/
.... .... customers/order/<path:object_id>/history/
---- ---- customers/order/<path:object_id>/delete/
.... ---- customers/order/<path:object_id>/change/
AMSV AMSV customers/order/<path:object_id>/
AMSV AMSV customers/payment/
---- ---- customers/payment/add/
.... .... customers/payment/<path:object_id>/history/
---- ---- customers/payment/<path:object_id>/delete/
.... ---- customers/payment/<path:object_id>/change/
AMSV AMSV customers/payment/<path:object_id>/
AMSV AMSV customers/invoice/
---- ---- customers/invoice/add/
.... .... customers/invoice/<path:object_id>/history/
---- ---- customers/invoice/<path:object_id>/delete/
.... ---- customers/invoice/<path:object_id>/change/
AMSV AMSV customers/invoice/<path:object_id>/
AMSV AMSV customers/deal/
---- ---- customers/deal/add/
.... .... customers/deal/<path:object_id>/history/
---- ---- customers/deal/<path:object_id>/delete/
.... ---- customers/deal/<path:object_id>/change/
AMSV AMSV customers/deal/<path:object_id>/
AMSV AMSV customers/ticket/
---- ---- customers/ticket/add/
.... .... customers/ticket/<path:object_id>/history/
---- ---- customers/ticket/<path:object_id>/delete/
.... ---- customers/ticket/<path:object_id>/change/
AMSV AMSV customers/ticket/<path:object_id>/
AMSV AMSV customers/customerprofile/<uuid:pk>/
AMSV AMSV customers/customerprofile/<uuid:pk>/live/
..-- ..-- customers/customerprofile/<uuid:pk>/field/
.... A--- customers/customerprofile/<uuid:pk>/remove/
.... A--- customers/customerprofile/<uuid:pk>/restore/
.... AM-- customers/customerprofile/<uuid:pk>/tags/
A--- A--- customers/customerprofile/<uuid:pk>/erase/
.... A--- customers/customerprofile/<uuid:pk>/data/
.... A--- customers/customerprofile/<uuid:pk>/lock/
.... AMS- customers/customerprofile/<uuid:pk>/request/
.... AM-- customers/customerprofile/<uuid:pk>/guardian/
.... AM-- customers/customerprofile/<uuid:pk>/objection/
.... A--- customers/customerprofile/<uuid:pk>/lift-suppression/
.... ..-- customers/customerprofile/<uuid:pk>/mark/
AM-- AM-- customers/customerprofile/<uuid:pk>/merge/
.... ..-- customers/customerprofile/<uuid:pk>/merges/<uuid:merge>/undo/
AMSV AMSV customers/customerprofile/
AM-- AM-- customers/customerprofile/add/
.... .... customers/customerprofile/<path:object_id>/history/
---- ---- customers/customerprofile/<path:object_id>/delete/
AM-- AM-- customers/customerprofile/<path:object_id>/change/
AMSV AMSV customers/customerprofile/<path:object_id>/
AMSV AMSV customers/privacyrequest/<int:pk>/decide/
A--- A--- customers/privacyrequest/
---- ---- customers/privacyrequest/add/
.... .... customers/privacyrequest/<path:object_id>/history/
---- ---- customers/privacyrequest/<path:object_id>/delete/
.--- ---- customers/privacyrequest/<path:object_id>/change/
AMSV AMSV customers/privacyrequest/<path:object_id>/
...- ...- timeline/activity/for/<uuid:customer>/log/
A--- A--- timeline/activity/<uuid:pk>/edit/
.... A--- timeline/activity/<uuid:pk>/remove/
AMSV AMSV timeline/activity/
---- ---- timeline/activity/add/
.... .... timeline/activity/<path:object_id>/history/
---- ---- timeline/activity/<path:object_id>/delete/
AMSV AMSV timeline/activity/<path:object_id>/change/
AMSV AMSV timeline/activity/<path:object_id>/
AMSV AMSV timeline/inboundevent/dead-letters/
.... A--- timeline/inboundevent/dead-letters/replay/
.... A--- timeline/inboundevent/dead-letters/discard/
AMSV AMSV timeline/inboundevent/<uuid:pk>/
.... A--- timeline/inboundevent/<uuid:pk>/replay/
AMSV AMSV timeline/inboundevent/
---- ---- timeline/inboundevent/add/
.... .... timeline/inboundevent/<path:object_id>/history/
---- ---- timeline/inboundevent/<path:object_id>/delete/
AMSV ---- timeline/inboundevent/<path:object_id>/change/
AMSV AMSV timeline/inboundevent/<path:object_id>/
.... ...- timeline/note/for/<uuid:customer>/write/
.... ...- timeline/note/for/<uuid:customer>/draft/
...- ...- timeline/note/for/<uuid:customer>/colleagues/
AMSV AMSV timeline/note/<uuid:pk>/
A--- A--- timeline/note/<uuid:pk>/edit/
AMSV AMSV timeline/note/<uuid:pk>/versions/
.... A--- timeline/note/<uuid:pk>/pin/
.... A--- timeline/note/<uuid:pk>/remove/
.... ...- timeline/note/<uuid:pk>/restore/
AMSV AMSV timeline/note/
---- ---- timeline/note/add/
.... .... timeline/note/<path:object_id>/history/
---- ---- timeline/note/<path:object_id>/delete/
AMSV ---- timeline/note/<path:object_id>/change/
AMSV AMSV timeline/note/<path:object_id>/
AMSV AMSV campaigns/campaign/<uuid:pk>/
AMSV AMSV campaigns/campaign/<uuid:pk>/live/
.... AM-- campaigns/campaign/<uuid:pk>/schedule/
.... AM-- campaigns/campaign/<uuid:pk>/send-now/
.... AM-- campaigns/campaign/<uuid:pk>/unschedule/
.... AM-- campaigns/campaign/<uuid:pk>/approve/
.... AM-- campaigns/campaign/<uuid:pk>/pause/
.... AM-- campaigns/campaign/<uuid:pk>/resume/
.... AM-- campaigns/campaign/<uuid:pk>/cancel/
.... AM-- campaigns/campaign/<uuid:pk>/clone/
.... AM-- campaigns/campaign/<uuid:pk>/remove/
.... AM-- campaigns/campaign/<uuid:pk>/winner/
.... AM-- campaigns/campaign/reach/
AMSV AMSV campaigns/campaign/calendar/
AMSV AMSV campaigns/campaign/
AM-- AM-- campaigns/campaign/add/
.... .... campaigns/campaign/<path:object_id>/history/
---- ---- campaigns/campaign/<path:object_id>/delete/
AM-- AM-- campaigns/campaign/<path:object_id>/change/
AMSV AMSV campaigns/campaign/<path:object_id>/
AMSV AMSV campaigns/message/<str:pk>/look/
AMSV AMSV campaigns/message/<str:pk>/look/body/
.... AM-- campaigns/message/<str:pk>/settle/
AMSV AMSV campaigns/message/
---- ---- campaigns/message/add/
.... .... campaigns/message/<path:object_id>/history/
---- ---- campaigns/message/<path:object_id>/delete/
AMSV ---- campaigns/message/<path:object_id>/change/
AMSV AMSV campaigns/message/<path:object_id>/
AMSV AMSV segments/segment/<uuid:pk>/
AMSV AMSV segments/segment/<uuid:pk>/live/
.... AM-- segments/segment/<uuid:pk>/refresh/
.... AM-- segments/segment/<uuid:pk>/clone/
.... AM-- segments/segment/<uuid:pk>/snapshot/
.... AM-- segments/segment/<uuid:pk>/switch/
.... AM-- segments/segment/<uuid:pk>/remove/
.... AM-- segments/segment/<uuid:pk>/put-in/
.... AM-- segments/segment/<uuid:pk>/keep-out/
.... AM-- segments/segment/<uuid:pk>/release/
.... AM-- segments/segment/<uuid:pk>/upload/
.... AM-- segments/segment/<uuid:pk>/messaging/
AM-- AM-- segments/segment/gallery/
.... AM-- segments/segment/preview/
AMSV AMSV segments/segment/
AM-- AM-- segments/segment/add/
.... .... segments/segment/<path:object_id>/history/
---- ---- segments/segment/<path:object_id>/delete/
AM-- AM-- segments/segment/<path:object_id>/change/
AMSV AMSV segments/segment/<path:object_id>/
AM-- AM-- campaigns/messagetemplate/gallery/
.... AM-- campaigns/messagetemplate/gallery/take/
.... AM-- campaigns/messagetemplate/<uuid:pk>/clone/
.... AM-- campaigns/messagetemplate/<uuid:pk>/archive/
.... AM-- campaigns/messagetemplate/<uuid:pk>/remove-language/
.... AM-- campaigns/messagetemplate/preview/
.... AM-- campaigns/messagetemplate/frame/
AMSV AMSV campaigns/messagetemplate/
AM-- AM-- campaigns/messagetemplate/add/
.... .... campaigns/messagetemplate/<path:object_id>/history/
---- ---- campaigns/messagetemplate/<path:object_id>/delete/
AMSV AM-- campaigns/messagetemplate/<path:object_id>/change/
AMSV AMSV campaigns/messagetemplate/<path:object_id>/
AMSV AMSV ^(?P<app_label>tenancy|customers|timeline|segments|campaigns)/$
AMSV AMSV (?P<url>.*)$
"""

# who, model: action
ACTION_TABLE = """
A--- tenancy.Invitation: resend
A--- tenancy.Invitation: revoke
AM-- customers.DuplicateCandidate: dismiss
AM-- customers.CustomerProfile: tag_chosen
AM-- customers.CustomerProfile: merge_chosen
A--- timeline.InboundEvent: replay_chosen
AM-- segments.Segment: refresh_chosen
AM-- segments.Segment: switch_off
AM-- segments.Segment: switch_on
"""


def table(text: str, columns: int) -> dict[tuple[str, ...], tuple[str, ...]]:
    """What stands in a table: the words after its first columns -> those columns."""
    lines = [line.split() for line in text.strip().splitlines()]
    return {tuple(line[columns:]): tuple(line[:columns]) for line in lines}


def letters(statuses: dict[str, int]) -> str:
    signs = {403: "-", 404: ".", 405: "."}
    return "".join(signs.get(statuses[letter], letter) for letter in LETTERS)


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside leaves nothing behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def session(role: str, *clubs: Club) -> Api:
    client = Api()
    client.force_login(member(role, clubs=clubs).user, "django.contrib.auth.backends.ModelBackend")
    return client


def asked(clients: dict[str, Api], method: str, route: str, pks: list[Any]) -> dict[str, int]:
    statuses = {}
    for letter, client in clients.items():
        with undone():
            statuses[letter] = send(client, method, route, pks, API[route][method]).status_code
    return statuses


def test_the_api_by_role(rows: dict[str, Any]) -> None:
    clients = {letter: session(role) for letter, role in LETTERS.items()}
    found = Found()
    for route, calls in API.items():
        for method, call in calls.items():
            statuses = asked(clients, method, route, named(route, rows))
            assert set(statuses.values()) <= {call.status, 403}, (method, route, statuses)
            found[method, route.removeprefix("api/v1/")] = (letters(statuses),)
    lines = undecided(found, API_TABLE)
    assert not lines, lines


Found = dict[tuple[str, ...], tuple[str, ...]]


def undecided(found: Found, text: str, columns: int = 1) -> str:
    """The lines of what is otherwise than the table says: to be judged, and then mended here or there.

    Also those of addresses that are gone, since nothing proves what they say.
    """
    decided = table(text, columns)
    other = [" ".join(who + what) for what, who in found.items() if decided.get(what) != who]
    return "\n".join([*other, *(f"gone: {' '.join(what)}" for what in decided if what not in found)])


def test_a_line_whose_address_is_gone_is_told() -> None:
    found = {("GET", "there"): ("A---",)}
    assert undecided(found, "A--- GET there") == ""
    assert undecided(found, "A--- GET there\nAMSV GET long-gone") == "gone: GET long-gone"


def test_limited_to_its_clubs_a_role_does_the_same_there_but_for_the_settings(rows: dict[str, Any]) -> None:
    here = ClubFactory(refs=["here"])
    for name in ("customer", "deleted", "loser"):
        type(rows[name]).objects.filter(pk=rows[name].pk).update(home_club_ref="here")
    type(rows["customer"]).objects.filter(pk__in=TOGETHER).update(home_club_ref="here")
    type(rows["customer"]).objects.filter(pk=rows["message"].customer_id).update(home_club_ref="here")
    clients = {letter: session(role, here) for letter, role in LETTERS.items()}
    for (method, address), (who,) in table(API_TABLE, 1).items():
        route = f"api/v1/{address}"
        call = API.get(route, {}).get(method)
        assert call is not None, (method, address)  # test_the_api_by_role tells of those that are gone
        of_group = call.scope == "crm:events" or (address, method) in OF_THE_GROUP
        assert letters(asked(clients, method, route, named(route, rows))) == ("----" if of_group else who), (
            method,
            address,
        )


OF_THE_GROUP = {
    ("consistency", "GET"),
    ("custom-fields", "POST"),
    ("tags/<path:name>", "DELETE"),
    ("custom-fields/<str:pk>", "PATCH"),
    ("custom-fields/<str:pk>", "DELETE"),
}


@pytest.mark.parametrize("route", [route for route in OF_ONE if "customers" in route])
def test_beyond_its_clubs_nobody_is_there_for_any_role(route: str, rows: dict[str, Any]) -> None:
    here = ClubFactory(refs=["here"])
    clients = {letter: session(role, here) for letter, role in LETTERS.items()}
    for method in API[route]:
        assert set(asked(clients, method, route, named(route, rows)).values()) <= {403, 404}, method


def browsers(*clubs: Club) -> dict[str, Browser]:
    return {letter: log_in(member(role, clubs=clubs).user) for letter, role in LETTERS.items()}


def opened(browsers: dict[str, Browser], method: str, path: str) -> dict[str, int]:
    statuses = {}
    for letter, browser in browsers.items():
        with undone():
            reply = getattr(browser, method)(path)
            assert "/admin/login/" not in reply.get("Location", ""), path
            statuses[letter] = reply.status_code
    return statuses


def test_the_staff_pages_by_role(tenant: Tenant) -> None:
    visitors, made, found = browsers(), staff_rows(), Found()
    for route in STAFF:
        row = made.get(model_of(route))
        path = filled(route, *([row.pk] if row else []))
        who = tuple(letters(opened(visitors, method, path)) for method in ("get", "post"))
        found[(route.removeprefix("admin/") or "(home)",)] = who
    lines = undecided(found, PAGE_TABLE, 2)
    assert not lines, lines


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
def test_no_page_of_somebody_beyond_a_roles_clubs_is_there(tenant: Tenant, role: Role) -> None:
    browser, made = log_in(member(role, clubs=(ClubFactory(refs=["here"]),)).user), staff_rows()
    for route in OF_ONE_FOR_STAFF:
        for method in ("get", "post"):
            answers = []
            for pk in (made[model_of(route)].pk, uuid4()):
                with undone():
                    answers.append(getattr(browser, method)(filled(route, pk)).status_code)
            assert answers[0] == answers[1], (method, route, answers)
            assert answers[0] != 200, (method, route)


def test_the_actions_of_lists_by_role(tenant: Tenant) -> None:
    found = Found()
    for model, model_admin in admin.site._registry.items():
        offered = {letter: set(model_admin.get_actions(request_of(role))) for letter, role in LETTERS.items()}
        for action in sorted(set().union(*offered.values())):
            who = "".join(letter if action in offered[letter] else "-" for letter in LETTERS)
            found[f"{model._meta.label}:", action] = (who,)
    lines = undecided(found, ACTION_TABLE)
    assert not lines, lines


def request_of(role: Role) -> Any:
    request: Any = RequestFactory().get("/admin/")
    request.membership = member(role)
    request.user, request.tenant = request.membership.user, request.membership.tenant
    return request
