"""The meter's books on disk: SQLite for one process, PostgreSQL for any number of them.

Changes of a group are decided by the pure core, one after the other, on rows that are locked. So both databases have the
same rule, which is written once, and two requests of one holder in one group are two requests.
"""
