"""The gateway: the proxy in front of a seller's services. A request that is paid reaches the service, and no other one does."""
