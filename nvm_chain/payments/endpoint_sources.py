"""Endpoints of a new service: those that the caller gives, or those of an OpenAPI document."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from nvm_chain.errors import InvalidConfig, InvalidOpenApi
from nvm_chain.metadata.documents import read_endpoint
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.metadata.openapi.servers import SERVER_ADVICE
from nvm_chain.operations.openapi import read_openapi

_URL: Final = re.compile("https?://", re.IGNORECASE)


def read_endpoints(
    endpoints: Sequence[Mapping[str, str]] | None,
    open_endpoints: Sequence[str] | None,
    open_api_url: str | None,
    service_host: str | None,
) -> tuple[Sequence[Endpoint], Sequence[str]]:
    """Return the paid and the open endpoints of a service. One request if only ``open_api_url`` names the paid ones.

    Raises:
        InvalidConfig: ``open_api_url`` is not a URL.
        InvalidMetadata: An endpoint does not have the documented form.
        InvalidEndpoint: An endpoint is not a valid URL pattern.

    The function also raises the errors of `nvm_chain.read_openapi`.
    """
    if endpoints or not open_api_url:
        return [read_endpoint(endpoint) for endpoint in endpoints or ()], open_endpoints or ()
    if not _URL.match(open_api_url):
        raise InvalidConfig("open_api_url is not an http or https URL", "give the endpoints of `read_openapi`")
    host = service_host if service_host and _URL.match(service_host) else ""
    try:
        api = read_openapi(open_api_url, server=host, open_endpoints=open_endpoints or ())
    except InvalidOpenApi as error:
        if error.fields["advice"] == SERVER_ADVICE:
            raise InvalidOpenApi(
                error.fields["place"], error.fields["reason"], "Give the public URL of the service as `service_host`"
            ) from None
        raise
    return api.endpoints, api.open_endpoints
