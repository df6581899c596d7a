"""Experiments that run from the command line; nothing here is meant to be imported."""
