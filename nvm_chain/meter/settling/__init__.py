"""The settler: it takes on the chain what was charged, in batches. A settlement earns nothing, because plans are paid in advance.

A settlement names totals to reach. So a batch that is sent again, or after a reorganization, takes nothing twice.
"""
