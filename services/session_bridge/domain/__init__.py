"""Pure code: no input, no output, no clock."""
