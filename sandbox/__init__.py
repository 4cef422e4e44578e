"""Stand-ins for Twilio, OpenAI and the OpenClaw gateway: the other end of every wire."""
