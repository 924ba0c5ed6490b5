"""Images stored as the training pipeline would crop and resize them: less to decode."""
