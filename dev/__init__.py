"""What a developer starts: both services at once, and the demo."""
