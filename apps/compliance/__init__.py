"""What happened and who did it, for those who must answer for it."""
