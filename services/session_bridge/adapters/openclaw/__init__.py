"""OpenClaw as a peer: its folder, its gateway, and the two stores that bring a call into either."""
