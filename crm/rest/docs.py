"""The OpenAPI document and the pages to read and try it in. Open to everyone: there is no secret in them."""

from functools import cache
from threading import Lock
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response


class SchemaView(SpectacularAPIView):
    """OpenAPI 3.1, as JSON unless YAML is asked for; generated once a process."""

    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer, OpenApiYamlRenderer2]
    authentication_classes = permission_classes = throttle_classes = ()

    def _get_schema_response(self, request: Request) -> Response:
        return Response(document())


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI from our own files, its script apart, so that it runs under the strict policy."""

    authentication_classes = permission_classes = throttle_classes = ()
    template_name = "api/docs.html"
    url_name = "api-schema"


def document() -> Any:
    """The OpenAPI document; one thread at a time, since the generator loads its extensions lazily and unguarded."""
    with _generating:
        return _document()


_generating = Lock()


@cache
def _document() -> Any:
    return SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
