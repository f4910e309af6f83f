"""Values in, values out: what minutes, bouts, prompts and days are. Nothing here reads a clock, a file or a radio."""
