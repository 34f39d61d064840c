"""The first posts of a new blog."""

POSTS = [
    (
        1,
        "Why your comment does not wait for a mail server",
        "When you post a comment, this blog writes it down and answers you at once. The mail to\n"
        "the author is written on a list of things to do later. That list is a queue, and each\n"
        "thing on it is a job.\n\n"
        "A mail server may take a second, or a minute, or be down. None of that is your concern:\n"
        "you wanted to say something, and you have said it.\n\n"
        "Post a comment below and watch its job travel.",
        "Akiko",
        "akiko@blog.test",
    ),
    (
        2,
        "First in, first out",
        "A queue at a bakery has one rule: who came first is served first. A job queue has the\n"
        "same rule. New jobs join at one end; a worker takes them from the other.\n\n"
        "With one worker, jobs end in the order in which they came. With four workers they begin\n"
        "in that order, but a short job may overtake a long one. The bakery knows this, too.",
        "Björn",
        "bjoern@blog.test",
    ),
    (
        3,
        "What happens when the worker dies",
        "Pull the plug on a worker in the middle of its job. Where is the job now?\n\n"
        "If the worker had taken it off the list and kept it in its own memory, it is gone.\n"
        "Here a worker never takes a job off the list: it moves the job, in one step, to a list\n"
        "of its own. When the worker falls silent, somebody else moves the job back, to the very\n"
        "front, and the mail goes out a few seconds late. Nobody has to notice.",
        "Chidi",
        "chidi@blog.test",
    ),
]
