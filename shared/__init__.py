"""What both services, the sandbox and the tests agree on."""
