"""The doctor: looks at every prerequisite of a call, changes nothing, and says what to do next."""
