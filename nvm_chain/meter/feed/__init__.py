"""The feed of a meter: what the index says of the chain, as views in the meter's books.

One thread writes all views, so that the views of an account come in the order of their blocks.
"""
