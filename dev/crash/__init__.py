"""`make crash`: the bridge dies again and again while calls end; then its books are checked."""
