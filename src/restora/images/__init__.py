"""Pictures: reading, preparing, data sets and their layouts; numpy and Pillow only.

A file a subject, imported by its own name: ``from restora.images.read import read_picture``.
"""
