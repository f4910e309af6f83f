"""Past days: the core's rule applied to what the store has. Days that were judged before are used again."""
