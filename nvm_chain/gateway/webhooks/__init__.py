"""Webhooks: what the operator's own programs are told, signed, again and again until they have accepted it."""
