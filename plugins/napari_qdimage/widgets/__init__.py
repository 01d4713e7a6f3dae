"""What is in the dock: views of the session, one file each."""
