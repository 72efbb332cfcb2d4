"""Plug-ins for products of others, one folder for each, with an extra each."""
