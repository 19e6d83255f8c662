"""`python -m twinlease_host` is `twinlease`."""

from .cli import main

if __name__ == "__main__":
    main()
