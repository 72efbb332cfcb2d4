"""Pages that people see. What metadata says is text in them, and never markup."""
