"""The computer that hipsync runs on: its clock, folders and sleep, and what starts and supervises the service.

Each module is about one facility of the operating system, and none knows of bands, readings or prompts.
"""
