"""``GET /services``: what is sold, and all that a program needs to sign a voucher."""

from typing import Any

from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.offers import find_most
from nvm_chain.gateway.own.asked import Asked
from nvm_chain.gateway.serving import Server
from nvm_chain.meter.voucher_fronts import MAX_SECONDS, MAX_SESSION_SECONDS
from nvm_chain.signing.vouchers import DOMAIN_NAME, DOMAIN_VERSION
from nvm_chain.x402.offers import CREDITS_SCHEME, format_network


class Listing:
    """Lists the services of the gateway, or the one of an own host."""

    def __init__(self, server: Server) -> None:
        """Take what serves."""
        self._server = server

    async def list_services(self, asked: Asked) -> Any:
        """Return the services, and whom vouchers are signed for."""
        services = self._server.services.values() if asked.service is None else (asked.service,)
        settings = self._server.meter.settings
        return {
            "scheme": CREDITS_SCHEME,
            "network": format_network(settings.chain_id),
            "credits": settings.credits,
            "redeemer": settings.redeemer,
            "domain": {"name": DOMAIN_NAME, "version": DOMAIN_VERSION},
            "time": self._server.meter.writer.now,
            "voucher": {"minSeconds": settings.min_voucher_seconds, "maxSeconds": MAX_SECONDS},
            "session": {"minSeconds": settings.min_voucher_seconds, "maxSeconds": MAX_SESSION_SECONDS},
            "signIn": {"tokenSeconds": settings.sign_in_seconds},
            "services": [self._describe(service, asked) for service in services],
        }

    def _describe(self, service: SoldService, asked: Asked) -> dict[str, Any]:
        metadata, own = service.metadata, service.settings
        address = find_address(service.did, self._server.base, asked.incoming.host if asked.service else None)
        return {
            "did": service.did,
            "name": metadata.name,
            "description": metadata.description,
            "url": address.service,
            "level": own.level.value,
            "requestSeconds": own.request_seconds,
            "maxAnswerSeconds": own.longest_seconds,
            "exposure": str(own.exposure),
            "limits": _describe_limits(service),
            "files": sorted(service.files),
            **_describe_sockets(service),
            "plans": [
                {
                    "planId": str(plan.plan_id),
                    "kind": plan.kind.name.lower(),
                    "paidBy": "voucher" if plan.by_vouchers else "sign-in",
                    "minCredits": str(plan.min_credits),
                    "maxCredits": str(find_most(plan, service) if plan.by_vouchers else plan.max_credits),
                }
                for plan in service.plans.values()
            ],
        }


def _describe_sockets(service: SoldService) -> dict[str, Any]:
    """Return what is counted on a websocket of a service. Empty if websockets are not sold."""
    terms = service.settings.websocket
    return {"websocket": {"per": terms.per.value}} if terms is not None and service.settings.upstream else {}


def _describe_limits(service: SoldService) -> dict[str, Any]:
    """Return the limits of each holder, without those that the seller does not set."""
    limits = service.settings.limits
    rate, quota = (None, None) if limits is None else (limits.rate, limits.quota)
    told = {
        "rate": None if rate is None else {"requests": rate.requests, "seconds": rate.seconds},
        "quota": None if quota is None else {"credits": str(quota.credits), "seconds": quota.seconds},
    }
    return {name: limit for name, limit in told.items() if limit is not None}
