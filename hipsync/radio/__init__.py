"""The only room that imports Bleak, D-Bus and Bumble."""
