"""Picture files and colour profiles made byte by byte, where Pillow cannot write them, and pictures to put in."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from diffusion.picture_files import read_picture

RNG = np.random.default_rng(5)
COLOURS = RNG.integers(0, 256, (12, 17, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (12, 17, 4), dtype=np.uint16)


def saved(folder: Path, picture: PilImage.Image, suffix: str, **options) -> Path:
    path = folder / f"picture{suffix}"
    picture.save(path, **options)
    return path


def pixels(path: Path) -> np.ndarray:
    return read_picture(path)[0].pixels.numpy()


def levels(path: Path) -> np.ndarray:
    return (pixels(path) * 255).round().astype(np.uint8)


def png16(samples: np.ndarray, filter_type: int = 0, header: tuple[int, int] | None = None, **chunks: bytes) -> bytes:
    """A 16-bit PNG (PNG specification, §9 filters, §11). header: another (width, height) than the samples have."""
    height, width, channels = samples.shape
    lines = np.ascontiguousarray(samples, ">u2").view(np.uint8).reshape(height, -1).astype(int)
    step = 2 * channels
    left = np.pad(lines, ((0, 0), (step, 0)))[:, :-step]
    up = np.pad(lines, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(left, ((1, 0), (0, 0)))[:-1]
    guess = left + up - corner
    away = np.stack([abs(guess - left), abs(guess - up), abs(guess - corner)])
    paeth = np.choose(away.argmin(axis=0), [left, up, corner])
    filtered = lines - [0 * lines, left, up, (left + up) // 2, paeth][filter_type]
    raw = np.pad(filtered % 256, ((0, 0), (1, 0)), constant_values=filter_type).astype(np.uint8).tobytes()
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    parts = [(b"IHDR", struct.pack(">IIBBBBB", *(header or (width, height)), 16, kind, 0, 0, 0))]
    parts += [(name.encode(), data) for name, data in chunks.items()]
    parts += [(b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    chunked = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + chunked


def tiff(samples: np.ndarray, order: str = "<", *, deflate: bool = False, photometric: int | None = None) -> bytes:
    """A TIFF of one strip with samples of 16 or 32 bits (TIFF 6.0, §8)."""
    height, width, channels = samples.shape
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if deflate else data
    if photometric is None:
        photometric = 2 if channels >= 3 else 1
    bits = samples.dtype.itemsize * 8
    tags = [(256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 8 if deflate else 1), (262, 3, photometric)]
    tags += [(273, 4, 8), (277, 3, channels), (278, 4, height), (279, 4, len(data)), (339, 3, kind)]
    if channels == 4:
        tags.insert(-1, (338, 3, 2))
    body, extra = b"", b""
    end_of_tags = 8 + len(data) + 2 + 12 * len(tags) + 4
    for tag, form, value in tags:
        count = channels if tag in (258, 339) else 1
        if count > 2:
            body += struct.pack(order + "HHII", tag, form, count, end_of_tags + len(extra))
            extra += struct.pack(order + f"{count}H", *[value] * count)
        else:
            packed = struct.pack(order + ("H" if form == 3 else "I"), value)
            body += struct.pack(order + "HHI", tag, form, count) + packed.ljust(4, b"\0")
    magic = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8 + len(data))
    return magic + data + struct.pack(order + "H", len(tags)) + body + b"\0\0\0\0" + extra


def rgb_to_xyz(chromaticities: list[tuple[float, float]], white: tuple[float, float]) -> np.ndarray:
    """From linear red, green, blue to XYZ under their own white (SMPTE RP 177)."""
    full = [np.array([x / y, 1, (1 - x - y) / y]) for x, y in [*chromaticities, white]]
    primaries = np.stack(full[:3], axis=1)
    return primaries * np.linalg.solve(primaries, full[3])


D65, D50_XYZ = (0.3127, 0.3290), np.array([0.96422, 1, 0.82521])
ADOBE = rgb_to_xyz([(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)], D65)
SRGB = rgb_to_xyz([(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)], D65)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
GAMMA = 563 / 256


def adobe_in_srgb(colour: np.ndarray) -> np.ndarray:
    """What colours of Adobe RGB (1998) are in sRGB, both of white D65. colour: [..., 3] in 0..1."""
    linear = np.clip(colour**GAMMA @ (np.linalg.inv(SRGB) @ ADOBE).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def icc(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A display profile of version 2 (ICC.1:2001-04, 6.1)."""
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data = data.ljust(-len(data) % 4 + len(data), b"\0")
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s12x4s", start + len(body), b"\0" * 4, 0x02400000, b"mntr", space, b"XYZ ", b"acsp")
    white = struct.pack(">3i", *(D50_XYZ * 65536).round().astype(int))
    return head.ljust(68, b"\0") + white.ljust(60, b"\0") + struct.pack(">I", len(tags)) + table + body


def adobe_profile(curve: bytes = struct.pack(">4s4xIH", b"curv", 1, 563)) -> bytes:
    white = ADOBE.sum(axis=1)
    scale = np.diag((BRADFORD @ D50_XYZ) / (BRADFORD @ white))
    colorants = np.linalg.inv(BRADFORD) @ scale @ BRADFORD @ ADOBE
    xyz = [struct.pack(">4s4x3i", b"XYZ ", *(column * 65536).round().astype(int)) for column in colorants.T]
    tags = {b"desc": struct.pack(">4s4xI5s80x", b"desc", 5, b"Test\0"), b"cprt": b"text\0\0\0\0none\0"}
    tags |= {b"wtpt": struct.pack(">4s4x3i", b"XYZ ", *(D50_XYZ * 65536).round().astype(int))}
    tags |= dict(zip([b"rXYZ", b"gXYZ", b"bXYZ"], xyz, strict=True))
    return icc(b"RGB ", tags | dict.fromkeys([b"rTRC", b"gTRC", b"bTRC"], curve))


def grey_profile() -> bytes:
    white = struct.pack(">4s4x3i", b"XYZ ", *(D50_XYZ * 65536).round().astype(int))
    return icc(b"GRAY", {b"wtpt": white, b"kTRC": struct.pack(">4s4xIH", b"curv", 1, 563)})


def iccp(profile: bytes) -> bytes:
    return b"profile\0\0" + zlib.compress(profile)
