"""Files that come in and go out: ours and other programs'."""
