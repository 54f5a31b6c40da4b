"""Restoration methods: what a picture's features would be if the part were good."""
