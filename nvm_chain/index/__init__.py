"""The index: what happened on chain, in SQLite or PostgreSQL. See docs/indexing.md.

The room needs the extra ``index``, and for PostgreSQL the extra ``postgres``. Without them its import raises MissingExtra.
"""

from nvm_chain.index.extras import require_extra

require_extra("index", "The index")
