"""The demo: one honest job, one cheat, every coin accounted for."""
