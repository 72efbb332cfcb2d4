"""Sellers of a gateway: who may see what of the services that belong to them."""
