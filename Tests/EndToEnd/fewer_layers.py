# SPDX-License-Identifier: Apache-2.0
"""A second model of another size out of one that is there: the same with fewer layers. It writes nonsense, and fast."""

from pathlib import Path

import gguf

ARCHITECTURE = "general.architecture"


def shortened(model: Path, to: Path, layers: int) -> Path:
    """Writes a model of the first `layers` layers of another."""
    reader = gguf.GGUFReader(model)
    architecture = reader.fields[ARCHITECTURE].contents()
    count = f"{architecture}.block_count"
    writer = gguf.GGUFWriter(to, architecture)
    for name, field in reader.fields.items():
        if name == ARCHITECTURE or name.startswith("GGUF."):
            continue  # the writer adds these itself
        kind, *of = field.types
        writer.add_key_value(name, layers if name == count else field.contents(), kind, of[0] if of else None)
    for tensor in reader.tensors:
        block, _, number = tensor.name.partition(".")
        if block != "blk" or int(number.split(".")[0]) < layers:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return to
