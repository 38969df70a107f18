"""The one error that users see: a sentence with name, rule, value and what to do."""

LONGEST = 1000  # characters of a sentence: damaged files hold values of any length


class RebalanceError(ValueError):
    """Input, setting or file that is refused.

    The message is one sentence that names the thing, the rule and the value, and says what to
    do. The command line prints it and exits with status 2. Line breaks in values become spaces,
    and a sentence that quotes very long ones loses its middle.
    """

    def __init__(self, sentence: str) -> None:
        line = " ".join(sentence.splitlines())
        if len(line) > LONGEST:
            line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
        super().__init__(line)
