"""Training of the models that ship: needs the `training` extra; nothing that runs imports it."""
