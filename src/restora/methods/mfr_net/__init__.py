"""MFRNet: multi-scale feature restoration with crossed masks (arXiv 2404.13273)."""
