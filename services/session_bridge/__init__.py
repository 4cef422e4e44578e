"""The session bridge: who is talking, what was said, and how it comes into OpenClaw."""
