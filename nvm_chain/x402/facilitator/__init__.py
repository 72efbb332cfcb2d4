"""The facilitator: checks payments for other servers, and settles each of them once. No HTTP."""
