"""The gateway: the proxy in front of a seller's services. A request that is paid reaches the service, and no other one does.

The room needs the extra ``gateway``. Without it the import raises MissingExtra. See docs/gateway.md.
"""

from nvm_chain.gateway.extras import require_gateway

require_gateway()
