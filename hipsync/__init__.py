"""hipsync reads steps and stillness from fitness bands, and prompts for a hip exercise after an hour of sitting."""
