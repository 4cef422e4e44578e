"""One file per peer; their wire formats and their exceptions stay here."""
