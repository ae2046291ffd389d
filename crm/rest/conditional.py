"""Versions of single things: If-Match keeps a change from overwriting another, If-None-Match spares a reply.

A reply about a single thing always has an ETag, and a 201 a Location: where a view says nothing better, the version is
that of the reply's content, and the new thing lies below the address that made it.
"""

from hashlib import sha256
from typing import Any

from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

IS_READ = ("GET", "HEAD")


def if_match(request: Request) -> str | None:
    """The ETag the client made its change from; None when any will do."""
    tag = request.headers.get("If-Match", "*").strip()
    return None if tag == "*" else tag


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
    if request.method not in IS_READ or response.status_code != 200 or "ETag" not in response:
        return False
    known = {tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))}
    return "*" in known or response["ETag"].removeprefix("W/") in known
