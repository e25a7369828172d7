"""Fuzzing, mutations: what may become of a file between being written and being read.

Every mutation takes the bytes of a file, a `random.Random` and the seeds of its kind, and returns other
bytes. The same random state gives the same bytes.
"""

import csv
import io
import json
import zipfile

TEXTS = [
    "",
    " ",
    "\0",
    "²",
    "١٢",
    "-0",
    "nan",
    "1e999",
    "../..",
    "a" * 300,
    "\ud800",
    "\u202e",
    "é\n",
    "None",
]
NUMBERS = [0, 1, -1, 0.5, 2**31, -(2**31) - 1, 2**63, 10**30, 1e308, -1e308, float("nan"), float("inf")]
ODD = [None, True, False, [], {}, [[]], [None], {"": None}, *NUMBERS, *TEXTS]


def mutate(data, rng, seeds, mutations):
    """One to three of `mutations`, one after the other.

    Args:
        data: bytes.
        rng: `random.Random`.
        seeds: other inputs of the kind, to splice with.
        mutations: functions of this module.

    Returns:
        Bytes.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(mutations)(data, rng, seeds)
    return data


# ---- bytes -----------------------------------------------------------------------------------------------


def flip_bits(data, rng, seeds):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 10, 1 + len(data) // 100))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def truncate(data, rng, seeds):
    return data[: rng.choice((rng.randrange(64), rng.randrange(len(data) + 1), len(data) - 1))]


def _chunk(data, rng):
    begin = rng.randrange(len(data) + 1)
    return begin, min(len(data), begin + rng.choice((1, 4, 16, 256, rng.randrange(len(data) + 1))))


def drop_chunk(data, rng, seeds):
    begin, end = _chunk(data, rng)
    return data[:begin] + data[end:]


def repeat_chunk(data, rng, seeds):
    begin, end = _chunk(data, rng)
    return data[:end] + data[begin:end] * rng.choice((1, 1, 2, 20)) + data[end:]


def overwrite_chunk(data, rng, seeds):
    begin, end = _chunk(data, rng)
    filling = rng.choice((bytes(end - begin), b"\xff" * (end - begin), rng.randbytes(end - begin)))
    return data[:begin] + filling + data[end:]


def splice(data, rng, seeds):
    other = rng.choice(seeds)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def write_integer(data, rng, seeds):
    """A number that is absurd, wherever it lands: at times in a field that says how large something is."""
    width = rng.choice((1, 2, 4, 8))
    value = rng.choice((0, 1, 2 ** (8 * width) - 1, 2 ** (8 * width - 1), 2 ** (8 * width - 1) - 1))
    near_start = min(len(data), rng.choice((64, 512, len(data))))
    place = rng.randrange(near_start + 1)
    return data[:place] + value.to_bytes(width, rng.choice(("big", "little"))) + data[place + width :]


BYTES = [flip_bits, truncate, drop_chunk, repeat_chunk, overwrite_chunk, splice, write_integer, write_integer]


# ---- texts -----------------------------------------------------------------------------------------------


def change_encoding(data, rng, seeds):
    text = data.decode("utf-8", "replace")
    changed = (b"\xef\xbb\xbf" + data, text.encode("utf-16"), text.encode("utf-8") + b"\xe9")
    return rng.choice((*changed, b"", b"\n", b"[" * 50_000))


def change_json(data, rng, seeds):
    """Another value, type, name or number of entries at any place of a JSON text."""
    try:
        whole = [json.loads(data)]
    except (ValueError, RecursionError):
        return flip_bits(data, rng, seeds)
    place, key = rng.choice(list(_places(whole)))
    change = rng.randrange(4)
    if change == 0:
        del place[key]
    elif change == 1 and isinstance(place, dict):
        place[rng.choice(TEXTS) + key] = place.pop(key)
    elif change == 2 and isinstance(place[key], list):
        place[key] = place[key] * rng.choice((2, 100))
    else:
        place[key] = rng.choice(ODD)
    return json.dumps(whole[0] if whole else None).encode()


def _places(tree):
    """`(container, key)` of everything in a tree of lists and dicts."""
    for key in range(len(tree)) if isinstance(tree, list) else list(tree):
        yield tree, key
        if isinstance(tree[key], (list, dict)):
            yield from _places(tree[key])


def change_table(data, rng, seeds):
    """A CSV file as other programs leave it: rows cut, cells changed, other separators."""
    rows = list(csv.reader(data.decode("utf-8", "replace").replace("\0", "").splitlines()))
    if not any(rows):
        return data
    row = rng.choice([row for row in rows if row])
    change = rng.choice(("cell", "cell", "cut", "longer", "twice", "drop", "columns"))
    if change == "cell":
        row[rng.randrange(len(row))] = str(rng.choice(ODD))
    elif change == "cut":
        del row[rng.randrange(len(row)) :]
    elif change == "longer":
        row.append(str(rng.choice(ODD)))
    elif change == "twice":
        rows.insert(rng.randrange(len(rows) + 1), list(row))
    elif change == "drop":
        rows.remove(row)
    else:
        column = rng.randrange(len(row))
        rows = [row[:column] + row[column + 1 :] for row in rows]
    file = io.StringIO()
    csv.writer(file, delimiter=rng.choice(",,,,;\t"), lineterminator=rng.choice(("\n", "\r\n"))).writerows(
        rows
    )
    return file.getvalue().encode("utf-8", "replace")


JSON = [change_json] * 6 + [change_encoding, flip_bits, truncate, drop_chunk]
TABLE = [change_table] * 6 + [change_encoding, flip_bits, truncate, drop_chunk]


# ---- zip archives (.npz, .keras): past their checksums ---------------------------------------------------


def change_member(data, rng, seeds):
    """Mutate, drop or rename one member of an archive, and give it a right checksum."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # an earlier mutation broke it
        return flip_bits(data, rng, seeds)
    if not members:
        return data
    place = rng.randrange(len(members))
    name, content = members[place]
    if name.endswith(".json"):
        content = mutate(content, rng, [content], JSON)
    elif name.endswith(".npy") and rng.random() < 0.7:
        content = change_header(content, rng, [content])
    else:
        content = mutate(content, rng, [content], BYTES)
    change = rng.randrange(10)
    name = rng.choice(TEXTS).replace("\ud800", "") + name if change == 0 else name
    members[place : place + 1] = [] if change == 1 else [(name, content)]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def change_header(data, rng, seeds):
    """Another shape or type in the header of a NumPy file (its version 1 has a length of two bytes)."""
    length = int.from_bytes(data[8:10], "little")
    header, content = data[10 : 10 + length].decode("latin-1"), data[10 + length :]
    begin, end = header.find("(") + 1, header.rfind(")")
    shape = rng.choice(("", "0,", "-1,", "1,", "99999999999,", "4,1000000000000", "2,0", "1e9,", "'x',"))
    kind = rng.choice(("<f4", "<f4", "<f8", "|O", "<U9", "<i2", ">f4", "|V8", "<f2", "M8[ns]", "bfloat16"))
    header = (header[:begin] + shape + header[end:]).replace("<f4", kind)
    return data[:8] + len(header.encode("latin-1")).to_bytes(2, "little") + header.encode("latin-1") + content


ARCHIVE = [change_member] * 6 + BYTES[:-1]


# ---- words of a command line, kept as a JSON list --------------------------------------------------------


def change_words(data, rng, seeds):
    """Another value for an option or an argument, an option more or less, or words that change places."""
    words = json.loads(data) or ["render"]
    odd = [str(value).lower().replace("\0", "") for value in ODD if not isinstance(value, list | dict)]
    sharp = ["0-999999999999", "99999999999", "²", "3-1", "-1", "", "gs://bucket/store", "--", "~nobody"]
    odd = rng.choice((odd, sharp))
    values = [place for place, word in enumerate(words) if place and words[place - 1].startswith("--")]
    place = rng.randrange(min(1, len(words) - 1), len(words))
    change = rng.randrange(6)
    if change == 0:
        del words[place]
    elif change == 1:
        words.insert(place, rng.choice(odd))
    elif change == 2:
        other = rng.randrange(len(words))
        words[place], words[other] = words[other], words[place]
    else:
        words[rng.choice(values or [place])] = rng.choice(odd)
    return json.dumps(words).encode()


WORDS = [change_words]
