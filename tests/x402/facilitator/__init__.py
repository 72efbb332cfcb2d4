"""Tests of the facilitator, and of the signed transfers that it makes."""
