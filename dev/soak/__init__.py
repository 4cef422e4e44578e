"""The soak: a few hundred random calls against the sandbox, and then the books are checked."""
