"""Sales report of an index, as typed data and as one HTML page. See docs/indexing.md.

The room needs the extra ``report``. Without it the import raises MissingExtra.
"""

from nvm_chain.index.extras import require_extra

require_extra("report", "A sales report")
