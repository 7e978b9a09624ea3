"""One identifier in the ways that languages spell it."""

import re

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def words(name: str) -> list[str]:
    """The words of `treeId`, `tree_id` or `TreeId`, in lower case; digits stay with the word before them: `poseidon2`, `secp256k1`."""
    found: list[str] = []
    for part in name.split("_"):
        at = 0
        for match in _WORD.finditer(part):
            word = match.group().lower()
            joins = (
                found and at == match.start() and at > 0 and (word.isdigit() or (found[-1][-1].isdigit() and part[match.start()].islower()))
            )
            if joins:
                found[-1] += word
            else:
                found.append(word)
            at = match.end()
    return found


def snake(name: str) -> str:
    """`tree_id`."""
    return "_".join(words(name))


def screaming(name: str) -> str:
    """`TREE_ID`."""
    return snake(name).upper()


def pascal(name: str) -> str:
    """`TreeId`."""
    return "".join(word[0].upper() + word[1:] for word in words(name))


def camel(name: str) -> str:
    """`treeId`."""
    text = pascal(name)
    return text[0].lower() + text[1:]
