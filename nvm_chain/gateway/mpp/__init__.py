"""Paying by MPP: the same service asks for a charge beside the offers of x402, and the same books say what was paid."""
