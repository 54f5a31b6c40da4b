"""`python -m restora`, the same as `restora`."""

from restora.cli import main

if __name__ == "__main__":
    main()
