"""The computer that hipsync runs on: its clock, its folders, its sleep, and what starts and supervises the service.

Each file is about one facility of the operating system, and none knows bands, readings or prompts.
"""
