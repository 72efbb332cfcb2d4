"""Buying by x402: payments, grants and orders over anvil."""
