"""The background service: plan decides, service does, now names what is, status_text says it."""
