"""How fast networks of KerasHub see pictures on a processor, in how much memory: random weights, true sizes.

    python benchmarks/hub.py            # one line a network, each in a process of its own
    python benchmarks/hub.py clip       # one of them

Counted is time of the processor, not of the clock, so that other work on the machine does not matter much.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import explain  # noqa: F401
import numpy as np

PICTURES = 16
TOWER = {"num_layers": 12, "hidden_dim": 768, "num_heads": 12, "intermediate_dim": 3072}
SMALL = {"num_layers": 12, "hidden_dim": 384, "num_heads": 6, "intermediate_dim": 1536}
SEEN = {"image_shape": [224, 224, 3]}
NETWORKS = {
    "clip": ("CLIPBackbone", {"patch_size": 32, **TOWER, **SEEN}, 512),
    "siglip2": ("SigLIPBackbone", {"patch_size": 16, **TOWER, **SEEN}, 0),
    "dinov2": (
        "DINOV2Backbone",
        {
            "patch_size": 14,
            **SMALL,
            **SEEN,
            "position_embedding_shape": [224] * 3,
            "use_mask_token": False,
        },
        0,
    ),
    "dinov3": (
        "DINOV3Backbone",
        {"patch_size": 16, **SMALL, **SEEN, "num_register_tokens": 4, "use_mask_token": False},
        0,
    ),
    "vit": (
        "ViTBackbone",
        {"patch_size": 16, "num_layers": 12, "num_heads": 12, "hidden_dim": 768, "mlp_dim": 3072, **SEEN},
        0,
    ),
}


def measure(name: str) -> dict:
    """Of one network: numbers (weights), width (of features), seconds (of a core, a picture), peak (MiB)."""
    from wikitopics.networks import hub
    from wikitopics.train.model import build_model, features_of

    family, encoder, projection = NETWORKS[name]
    colours = {"scale": [1 / 127.5] * 3, "offset": [-1.0] * 3, "interpolation": "bicubic", "antialias": True}
    network = hub.Architecture(f"keras_hub.{name}", family, encoder, projection, 224, **colours)
    model = features_of(build_model(2, network, head_units=0, store_size=224))
    model.compile(jit_compile=False)  # as 03 computes features
    shown = np.random.default_rng(0).integers(0, 256, (PICTURES, 224, 224, 3), np.uint8)
    model.predict_on_batch(shown)
    began = time.process_time()
    model.predict_on_batch(shown)
    seconds = (time.process_time() - began) / PICTURES
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    width = model.output.shape[-1]
    return {"numbers": model.count_params(), "width": width, "seconds": seconds, "peak": peak}


def main() -> None:
    """Print a row of a table for each network that is named, or for all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"some of {', '.join(NETWORKS)}")
    asked = parser.parse_args().networks
    if unknown := set(asked) - set(NETWORKS):
        parser.error(f"a network must be one of {', '.join(NETWORKS)}, but {unknown.pop()} is none")
    for name in asked or NETWORKS:
        if len(asked) == 1:
            print(json.dumps(measure(name)))
            continue
        told = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True)
        found = json.loads(told.stdout.splitlines()[-1])
        print(
            f"| {name} | {found['numbers'] / 1e6:.0f} million | {found['width']} "
            f"| {1 / found['seconds']:.1f} | {found['peak']:,.0f} MiB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
