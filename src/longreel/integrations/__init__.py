"""Where longreel plugs into other programs."""
