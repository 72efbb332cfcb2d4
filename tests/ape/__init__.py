"""Tests that run under `ape test`, with Ape's own fixtures."""
