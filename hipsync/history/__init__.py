"""Days of the past: the core's rule applied to what the store holds, with days that were judged before used again."""
