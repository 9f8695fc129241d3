"""Implementations of the ports on the real world; each file says which. Imported by the compositions only."""
