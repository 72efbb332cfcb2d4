"""Tests of x402: what official packages and ours understand of each other."""
