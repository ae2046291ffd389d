"""What is done with a segment from its page: refresh, copy, freeze, switch, delete; put people in and keep them out."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from crm.errors import CRMError, CustomerNotFound, ValidationFailed
from crm.outbox.nudge import nudge_on_commit
from crm.tenancy.access import actor, posted, require
from crm.tenancy.permissions import Right
from customers.services import look_up
from customers.visibility import visible_customer
from segments import entries, services, sync
from segments.admin.html import page_url
from segments.admin.uploads import read_upload
from segments.models import Segment

Act = Callable[[HttpRequest, Segment], HttpResponse | None]


class Acts:
    """The addresses that change a segment, for the admin class of the list. All are POST and come back to its page."""

    admin_site: Any

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            *(
                path(
                    f"<uuid:pk>/{name}/", view(require_POST(self._act(act))), name=f"segments_segment_{name}"
                )
                for name, act in ACTS.items()
            ),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def _act(self, act: Act) -> Callable[..., HttpResponse]:
        def inner(request: HttpRequest, pk: UUID) -> HttpResponse:
            require(request, Right.MARKET)
            segment = self.segment_or_404(request, pk)  # type: ignore[attr-defined]
            try:
                answer = act(request, segment)
            except CRMError as error:
                said = [one.message for one in error.details if one.message not in error.message]
                messages.error(request, " ".join([error.message, *said]))
                answer = None
            return answer or HttpResponseRedirect(_back(request, segment))

        return inner


def _back(request: HttpRequest, segment: Segment) -> str:
    tab = posted(request, "tab")
    return page_url(segment.pk, f"?tab={tab}" if tab.isalpha() else "")


def refresh(request: HttpRequest, segment: Segment) -> None:
    segment.ask_for_refresh()
    nudge_on_commit(services.SWEEP)
    messages.success(request, _t("%s is being worked out.") % segment.name)


def clone(request: HttpRequest, segment: Segment) -> HttpResponse:
    copy = services.clone_segment(segment.pk, by=actor(request))
    messages.success(request, _t("This is the copy. Change its name and rules as you like."))
    return HttpResponseRedirect(page_url(copy.pk))


def snapshot(request: HttpRequest, segment: Segment) -> HttpResponse:
    copy = services.freeze_segment(segment.pk, by=actor(request))
    messages.success(
        request, _t("This list has everybody who is in %s now, and stays as it is.") % segment.name
    )
    return HttpResponseRedirect(page_url(copy.pk))


def switch(request: HttpRequest, segment: Segment) -> None:
    on = posted(request, "on") == "1"
    services.change_segment(segment.pk, {"is_active": on}, by=actor(request))
    words = _t("Switched on: it is being worked out.") if on else _t("Switched off: nobody joins or leaves.")
    messages.success(request, words)


def messaging(request: HttpRequest, segment: Segment) -> None:
    sync.ask_for(segment, by=actor(request))
    messages.success(request, _t("Messaging is told who is in it, and from now on who joins and leaves."))


def remove(request: HttpRequest, segment: Segment) -> HttpResponse:
    services.delete_segment(segment.pk, by=actor(request))
    messages.success(request, _t("%s is deleted.") % segment.name)
    return HttpResponseRedirect(reverse("admin:segments_segment_changelist"))


# --- people
def put_in(request: HttpRequest, segment: Segment) -> None:
    person = _person(request)
    one = entries.Assignment(person, _reason(request), expires_at=_expiry(request))
    if entries.put_in(segment, [one], by=actor(request)):
        messages.success(request, _t("They are in."))
    else:
        messages.warning(
            request, _t("Noted. They come in when the segment is worked out, if they can be in any.")
        )


def keep_out(request: HttpRequest, segment: Segment) -> None:
    entries.take_out(segment, [_person(request)], by=actor(request), reason=_reason(request))
    words = _t("They are out.") if segment.is_list else _t("They are kept out, whatever the rules say.")
    messages.success(request, words)


def release(request: HttpRequest, segment: Segment) -> None:
    entries.let_rules_decide(segment, [_person(request)], by=actor(request))
    words = _t("Taken out of the list.") if segment.is_list else _t("The rules decide about them again.")
    messages.success(request, words)


def upload(request: HttpRequest, segment: Segment) -> None:
    """A file of identifiers: whom they name is put in, and what names nobody is said by line."""
    file = request.FILES.get("file")
    if file is None:
        raise ValidationFailed(_t("Choose a file first."))
    done = read_upload(request, segment, file, reason=_reason(request))
    words = ngettext("%(n)s person is put in.", "%(n)s people are put in.", done.people) % {
        "n": f"{done.people:,}"
    }
    (messages.success if done.people else messages.warning)(request, words)
    for line, said in done.problems:
        messages.error(request, _t("Line %(line)s: %(said)s") % {"line": line, "said": said})
    if done.more:
        messages.error(request, _t("%s more lines name nobody.") % f"{done.more:,}")


def _reason(request: HttpRequest) -> str:
    return posted(request, "reason", most=500)


def _person(request: HttpRequest) -> UUID:
    """The visible customer whom the form names by id or e-mail. Raises CustomerNotFound, ValidationFailed."""
    text = posted(request, "person")
    try:
        pk = UUID(text)
    except ValueError:
        if "@" not in text:
            raise CustomerNotFound(_t("Give an e-mail address or the id of a customer.")) from None
        pk = look_up({"email": text}).profile.pk
    return visible_customer(request, pk)[0].pk


def _expiry(request: HttpRequest) -> datetime | None:
    """The end of the last day by the clock of the page. Raises ValidationFailed."""
    text = posted(request, "until")
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or day < timezone.localdate():
        raise ValidationFailed(_t("The last day must be today or later."))
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


ACTS: dict[str, Act] = {
    "refresh": refresh, "clone": clone, "snapshot": snapshot, "switch": switch, "remove": remove, "put-in": put_in,
    "keep-out": keep_out, "release": release, "upload": upload, "messaging": messaging,
}  # fmt: skip
