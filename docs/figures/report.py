"""The pictures of the report and of the demo in the README: the first screen of a page, as a browser shows it.

    restora demo --out demo-products
    python docs/figures/report.py demo-products/board.html docs/report.png
    python docs/figures/report.py demo-products/index.html docs/demo.png --height 1240
    python docs/figures/report.py demo-products/part.html phone.png --width 390 --dark

Needs Chromium. The page must be of drawn products: no other pictures belong into this repository.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def shoot(page: Path, out: Path, width: int, height: int, *, dark: bool) -> None:
    """Write a PNG of the page's first screen, `width` x `height` pixels."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("There is no Chromium on this machine; install it and run this again.")
    # the theme is part of the page, so that the picture does not depend on the settings of this machine
    html = page.read_text(encoding="utf-8").replace("<html ", f'<html data-theme="{"dark" if dark else "light"}" ', 1)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "page.html"
        copy.write_text(html, encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += [f"--user-data-dir={folder}/profile", f"--window-size={width},{height}"]
        command += ["--virtual-time-budget=5000", f"--screenshot={out.resolve()}", copy.as_uri()]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=120)


def main() -> None:
    """Read the command line and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=1620)
    parser.add_argument("--dark", action="store_true")
    chosen = parser.parse_args()
    shoot(chosen.page, chosen.out, chosen.width, chosen.height, dark=chosen.dark)


if __name__ == "__main__":
    main()
