"""The two services; they import nothing of each other."""
