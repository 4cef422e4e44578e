"""One file per family of URLs."""
