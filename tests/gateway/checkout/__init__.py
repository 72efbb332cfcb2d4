"""Tests of the checkout over HTTP: a real gateway over anvil, and wallets whose keys the tests have."""
