"""`python -m scmanager` is `scm`."""

from scmanager.cli import main

if __name__ == "__main__":
    main()
