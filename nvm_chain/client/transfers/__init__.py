"""Payments by signed transfers of a token, the scheme ``exact`` of x402: to any server that takes it, within limits."""
