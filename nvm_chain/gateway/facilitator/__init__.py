"""The facilitator over HTTP: as paths of a gateway, and as an application of its own."""
