"""Runs of notebooks: begun, finished, and known by what they were made from."""
