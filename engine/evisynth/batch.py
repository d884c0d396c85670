"""x"""


def fit_many() -> None: ...
