"""Who is talking, and what was said: live tails, and the way into OpenClaw."""
