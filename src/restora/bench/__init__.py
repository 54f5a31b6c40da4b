"""Grids of runs: the same recipe over categories and seeds, beside yardsticks and the methods of others."""
