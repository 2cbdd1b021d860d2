"""Reading what Wikimedia and Google publish in bulk: SQL dumps, search index dumps, WIT."""
