"""The plug-in for the official Python client of x402: it pays from credits, buys plans within a budget, and signs in."""
