"""The computer: its clock, folders, sleep, and what starts and supervises the service."""
