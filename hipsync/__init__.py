"""hipsync: steps and stillness from fitness bands, and a hip exercise after an hour of sitting."""
