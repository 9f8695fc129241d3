"""Measurements of the limits this project sets itself. Not part of the package, and never a test."""
