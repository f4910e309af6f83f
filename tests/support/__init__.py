"""What several tests need: people, bands, machines and servers that are made up."""
