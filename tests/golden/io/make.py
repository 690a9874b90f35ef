"""Makes the files of this folder: python3 make.py [FOLDER].  Not run by the tests; needs numpy and safetensors.

The arrays are written by NumPy and the safetensors library; the images by the few lines below, so that every colour type,
depth and interlacing of PNG occurs and no library that reads them had a hand in writing them.
"""
import os
import struct
import sys
import zlib

import numpy as np
from safetensors.numpy import save_file

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
W, H = 7, 5
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
NAMES = {0: "gray", 2: "rgb", 3: "palette", 4: "graya", 6: "rgba"}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def save(name, data):
    with open(os.path.join(FOLDER, name), "wb") as f:
        f.write(data)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def sample(y, x, c, depth):
    """The formula that tests/c/test_io.c checks."""
    if depth == 16:
        return (3571 * x + 9173 * y + 5381 * c + 1103 * x * y) % 65536
    return (37 * x + 91 * y + 53 * c + 11 * x * y) % (1 << depth)


def palette(n):
    return b"".join(bytes([(i * 16 + 5) % 256, (255 - i * 3) % 256, i * i % 256]) for i in range(n))


def rows(depth, colour, xs, ys):
    out = b""
    for y in ys:
        bits = "".join(format(sample(y, x, c, depth), f"0{depth}b") for x in xs for c in range(CHANNELS[colour]))
        if bits:
            bits += "0" * (-len(bits) % 8)
            out += b"\0" + bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    return out


def png(depth, colour, interlaced, transparent=None, extra=b""):
    if interlaced:
        raw = b"".join(rows(depth, colour, range(x, W, dx), range(y, H, dy)) for x, y, dx, dy in ADAM7)
    else:
        raw = rows(depth, colour, range(W), range(H))
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, depth, colour, 0, 0, interlaced))
    if colour == 3:
        out += chunk(b"PLTE", palette(1 << depth))
    if transparent:
        out += chunk(b"tRNS", transparent)
    return out + extra + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def images():
    for colour, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in (0, 1):
                save(f"{NAMES[colour]}{depth}{'i' * interlaced}.png", png(depth, colour, interlaced))
    save("palette4t.png", png(4, 3, 0, bytes([0, 40, 80])))
    save("gray8t.png", png(8, 0, 0, struct.pack(">H", sample(1, 2, 0, 8))))
    save("gray16t.png", png(16, 0, 1, struct.pack(">H", sample(1, 2, 0, 16))))
    text = chunk(b"tEXt", b"Comment\0hello") + chunk(b"tIME", struct.pack(">HBBBBB", 2001, 2, 3, 4, 5, 6))
    save("rgb8t.png", png(8, 2, 0, struct.pack(">HHH", *[sample(1, 2, c, 8) for c in range(3)]), text))


def array(code, shape=(2, 3)):
    """3 i - 4 (3 i for unsigned types), a quarter of it for floats; for bool: is i a multiple of 3."""
    i = np.arange(int(np.prod(shape)))
    kind = np.dtype(code).kind
    values = {"b": i % 3 == 0, "u": 3 * i, "i": 3 * i - 4, "f": (3 * i - 4) / 4}[kind]
    return values.astype(code).reshape(shape)


def arrays():
    for code in ("b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"):
        np.save(os.path.join(FOLDER, f"{code}.npy"), array(code))
        if np.dtype(code).itemsize > 1:
            np.save(os.path.join(FOLDER, f"{code}big.npy"), array(code).astype(">" + code))
    np.save(os.path.join(FOLDER, "fortran.npy"), np.asfortranarray(array("f4", (2, 3, 4))))
    np.save(os.path.join(FOLDER, "scalar.npy"), np.float64(2.5))
    np.save(os.path.join(FOLDER, "empty.npy"), np.zeros((0, 3), "f4"))
    np.save(os.path.join(FOLDER, "vector.npy"), array("i8", (5,)))
    for version in (2, 3):
        with open(os.path.join(FOLDER, f"version{version}.npy"), "wb") as f:
            np.lib.format.write_array(f, array("f4"), version=(version, 0))
    np.savez(os.path.join(FOLDER, "stored.npz"), x=array("f4"), y=array("i8", (4,)))
    np.savez_compressed(os.path.join(FOLDER, "deflated.npz"), x=array("f4"), y=np.zeros(500, "i8"))
    np.savez(os.path.join(FOLDER, "none.npz"))


def safetensors():
    tensors = {
        "w": array("f4"), "b": array("f8", (3,)), "i": array("i4", (2, 2)), "l": array("i8", (2,)), "u": array("u1", (3,)),
        "q": array("b1", (5,)), "s": np.full((), 2.5, "f4"), "e": np.zeros((0, 4), "f4"),
    }
    save_file(tensors, os.path.join(FOLDER, "eight.safetensors"), metadata={"format": "np"})
    header = (b'{"h":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"bf":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]},'
              b'"s":{"dtype":"I16","shape":[1],"data_offsets":[14,16]}}')
    data = np.array([1.5, -2, 6e-8, np.inf], "<f2").tobytes() + struct.pack("<HHHh", 0x3fc0, 0xc000, 0x0001, -7)
    save("half.safetensors", struct.pack("<Q", len(header)) + header + data)


images()
arrays()
safetensors()
