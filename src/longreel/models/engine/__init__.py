"""What runs any family's language model over a film: passes, cache storage, prefill, decoding."""
