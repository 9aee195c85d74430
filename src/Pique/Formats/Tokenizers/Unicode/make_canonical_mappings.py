"""Makes CanonicalMappings.txt from Python's copy of the Unicode Character Database: python3.13 make_canonical_mappings.py > CanonicalMappings.txt"""
import unicodedata

ENTRIES_A_LINE = 12


def entries():
    for code in range(0x110000):
        character = chr(code)
        decomposition = unicodedata.decomposition(character)
        if not decomposition or decomposition.startswith("<"):
            continue
        parts = [int(part, 16) for part in decomposition.split()]
        # One that does not come back when its parts are composed is excluded from composition.
        excluded = len(parts) == 2 and unicodedata.normalize("NFC", "".join(map(chr, parts))) != character
        yield f"{code:X}{'!' if excluded else ''}=" + "+".join(f"{part:X}" for part in parts)
    first = last = kind = 0
    for code in range(0x110001):
        combining = unicodedata.combining(chr(code)) if code < 0x110000 else 0
        if kind and combining != kind:
            yield f"{first:X}-{last:X}:{kind}"
        if combining and combining != kind:
            first = code
        last, kind = code, combining


print(f"# Canonical decompositions (code=parts, ! where excluded from composition) and combining classes (first-last:class), Unicode {unicodedata.unidata_version}.")
print("# From the Unicode Character Database, (c) Unicode, Inc., Unicode License v3, https://www.unicode.org/license.txt. Made by make_canonical_mappings.py.")
batch = list(entries())
for start in range(0, len(batch), ENTRIES_A_LINE):
    print(" ".join(batch[start:start + ENTRIES_A_LINE]))
