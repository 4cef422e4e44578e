"""OpenAI: call control over REST, the sideband socket, and a model that follows a script."""
