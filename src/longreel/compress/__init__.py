"""longreel."""
