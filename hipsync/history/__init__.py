"""Days that were judged already: the store's rows beside the core's results."""
