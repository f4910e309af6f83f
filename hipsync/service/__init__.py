"""The background service: plan decides, service does, status_text explains."""
