"""What every room may use: files, words and threads."""
