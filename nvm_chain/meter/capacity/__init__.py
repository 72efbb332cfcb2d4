"""Capacity: what a settlement interval costs and risks at some traffic, and how many processes the traffic takes."""
