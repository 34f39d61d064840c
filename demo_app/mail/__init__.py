"""What each mail says, its bytes, and one SMTP dialogue."""
