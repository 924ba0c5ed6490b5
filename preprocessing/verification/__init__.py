"""Whether a prepared data set is what its metadata, and the challenge, say it is."""
