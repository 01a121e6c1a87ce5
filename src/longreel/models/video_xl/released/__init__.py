"""Read the released Video-XL checkpoint (spec g): its config, tensor names, tower and tokenizer."""
