"""x402, version 2, without HTTP: the wire of each scheme, what settles signed transfers, and the facilitator."""
