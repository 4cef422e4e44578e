"""OpenClaw's gateway: asking the agent over HTTP, and its WebSocket as the releases speak it."""
