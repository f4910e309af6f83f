"""The background service: state gathers, plan decides, service does, now names what is, status_text says it."""
