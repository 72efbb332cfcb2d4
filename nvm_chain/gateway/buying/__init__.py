"""Buying over HTTP: plans and single requests that are paid by signed transfers and signed orders."""
