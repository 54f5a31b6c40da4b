"""Frozen trunks, their weights, and the pyramids of features that methods restore (needs torch)."""
