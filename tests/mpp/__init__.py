"""Tests of MPP: what official packages and ours understand of each other, and paid requests."""
