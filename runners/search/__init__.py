"""Searches over the fields that an experiment marks: each trial is an ordinary run."""
