"""Loggers of Catalyst that show a run elsewhere: no part of what a run is, and so none of its identity."""
