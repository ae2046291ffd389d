"""Versions of single things: If-Match keeps a change from overwriting another, If-None-Match spares a reply.

A reply about a single thing always has an ETag, and a 201 a Location: where a view says nothing better, the version is
that of the reply's content, and the new thing lies below the address that made it. Every change of a thing with an
ETag heeds both headers: the view hands `condition(request)` on to the use case, which checks it against the row that
it has locked.
"""

from hashlib import sha256
from typing import Any

from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from crm.errors import PreconditionFailed
from crm.versions import Condition

IS_READ = ("GET", "HEAD")
CHANGES = ("PUT", "PATCH", "DELETE")


def condition(request: Any) -> Condition:
    """What the client expects of the version that it reads or changes."""
    headers = request.headers
    return Condition.of_headers(headers.get("If-Match"), headers.get("If-None-Match"))


def complete(request: Any, response: Any) -> None:
    """Give a reply the ETag or Location that it has to have, unless the view has."""
    if not isinstance(response, Response) or not isinstance(response.data, dict):
        return
    if request.method in IS_READ and response.status_code == 200 and "ETag" not in response:
        if is_single(request.resolver_match.route):
            response["ETag"] = version_of(response.data)
    elif response.status_code == 201 and "Location" not in response and "id" in response.data:
        response["Location"] = f"{request.path.rstrip('/')}/{response.data['id']}"


def is_single(route: str) -> bool:
    """Whether an address is that of one thing: it ends with the thing's id."""
    return route.endswith((">", "}"))


def version_of(data: Any) -> str:
    """An ETag of a reply's content."""
    return f'"{sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'


def is_known(request: Any, response: HttpResponse) -> bool:
    """Whether the client says that it has what a read would send."""
    is_found = request.method in IS_READ and response.status_code == 200 and "ETag" in response
    return is_found and condition(request).knows(response["ETag"])


def check_read(request: Any, response: Any) -> None:
    """Raise PreconditionFailed where If-Match of a read names another version than the one there is."""
    complete(request, response)
    if "ETag" in response and not condition(request).matches(response["ETag"]):
        raise PreconditionFailed
