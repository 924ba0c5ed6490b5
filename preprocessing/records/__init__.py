"""Data sets of records: writing them in shards, by several processes, and reading them back."""
