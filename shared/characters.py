"""Characters as every encoding has them: JSON from JavaScript or a model may hold halves of some."""


def whole(text: str) -> str:
    """Replace half a character (a lone surrogate), which no encoding could write, by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
