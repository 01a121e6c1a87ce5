"""Video: from a film file, pictures or arrays to blocks of frames with times."""
