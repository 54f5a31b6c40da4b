"""Drawn product pictures, for `restora demo`, trials and tests: any number, by seed, defects with exact masks."""

from restora.demo.draw import PRODUCTS, SHOWN, Drawn, draw
from restora.demo.write import write_products

__all__ = ["PRODUCTS", "SHOWN", "Drawn", "draw", "write_products"]
