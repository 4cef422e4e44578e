"""Twilio: the REST API for calls, and the telephone network behind it."""
