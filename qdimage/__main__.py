"""``python -m qdimage``."""

from qdimage.cli.main import main

if __name__ == "__main__":
    main()
