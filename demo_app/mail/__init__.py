"""The blog's mails: their texts, their encoding as bytes, and their delivery by SMTP."""
