"""Rows for machines (`rows`) and the page for people (`page`)."""
