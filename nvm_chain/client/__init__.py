"""A buyer's side of HTTP: transports that pay for requests by themselves, within the limits of whoever mounts them."""
