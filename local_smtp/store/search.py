"""What a person types into the search field, as conditions in SQL."""

import shlex

Condition = tuple[str, tuple[str, ...]]
"""A condition on `messages`, and the values for its placeholders."""

_TRIGRAM = 3  # characters below which the index can't help

_COLUMNS = {"from": "sender", "to": "recipients", "subject": "subject"}
_FLAGS = {
    "unread": "unread = 1",
    "duplicate": "(SELECT count(*) FROM deliveries WHERE message = messages.id) > 1",
}


def parse(query: str) -> list[Condition]:
    """Return the conditions that all must hold, one a word.

    A word is found anywhere, also within longer words; `"two words"` are found side by side;
    `from:`, `to:` and `subject:` look there alone; `is:unread` and `is:duplicate` select.
    """
    return [_condition(word) for word in _words(query.replace("\0", " "))]


def _words(query: str) -> list[str]:
    lexer = shlex.shlex(query, posix=True)
    lexer.whitespace_split = True
    lexer.quotes, lexer.escape, lexer.commenters = '"', "", ""
    try:
        return list(lexer)
    except ValueError:  # a quotation mark without its pair
        return query.replace('"', " ").split()


def _condition(word: str) -> Condition:
    prefix, colon, rest = word.partition(":")
    if colon and prefix == "is" and rest in _FLAGS:
        return _FLAGS[rest], ()
    columns = [*_COLUMNS.values(), "body"]
    if colon and rest and prefix in _COLUMNS:
        word, columns = rest, [_COLUMNS[prefix]]
    if len(word) >= _TRIGRAM:
        phrase = '"' + word.replace('"', '""') + '"'
        match = f"{{{' '.join(columns)}}} : {phrase}"
        return "id IN (SELECT rowid FROM search WHERE search MATCH ?)", (match,)
    pattern = "%" + "".join("\\" + char if char in "\\%_" else char for char in word) + "%"
    likes = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns)
    return f"id IN (SELECT rowid FROM search WHERE {likes})", (pattern,) * len(columns)
