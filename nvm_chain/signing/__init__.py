"""Signatures: vouchers, orders, permits, and the keys that sign them. No network."""
