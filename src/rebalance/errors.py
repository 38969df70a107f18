"""The one error that users see: a sentence with name, rule, value and what to do."""


class RebalanceError(ValueError):
    """Input, setting or file that is refused.

    The message is one sentence that names the thing, the rule and the value, and says what to
    do. The command line prints it and exits with status 2. Line breaks in values become spaces.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(" ".join(sentence.splitlines()))
