"""Telephony and the model: makes, takes and ends calls, and records what was said."""
