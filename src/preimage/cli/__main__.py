"""`python -m preimage.cli`, for launchers that start a module."""

from preimage.cli import main

if __name__ == "__main__":
    main()
