"""Lists of files that packs offer as choices, told apart from lists of words."""


class FileNames(list[str]):
    """The names of the files of a kind, as they are now. folder: the kind.

    A list that a pack makes of it (`["None"] + names`, `sorted(names)`) is an ordinary list.
    """

    def __init__(self, names: tuple[str, ...], folder: str) -> None:
        super().__init__(names)
        self.folder = folder
