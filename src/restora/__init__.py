"""Restora finds defects after seeing only good pictures."""
