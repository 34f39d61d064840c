"""The text of each mail, its bytes, and one SMTP dialogue."""
