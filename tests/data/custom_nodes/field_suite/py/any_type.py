class AlwaysEqualProxy(str):
    def __eq__(self, _):
        return True

    def __ne__(self, _):
        return False

    __hash__ = str.__hash__


ANY = AlwaysEqualProxy("*")
