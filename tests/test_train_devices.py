"""Several devices of one machine: the same learning, a loss that falls, a model that is read back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

MIRRORED = """
import json, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * {devices})
from wikitopics.networks import engine as devices
from wikitopics.train import model, record
import test_train_options as options

model.build_backbone = options.small_backbone
replicas = devices.mirror([f"CPU:{{i}}" for i in range({devices})]) if {devices} > 1 else 1
folder = Path({folder!r})
runs = options.planted.write_images(folder), options.planted.write_labels(folder)
found = dict(replicas=replicas)
for layers in (0, -1):
    setup = options.Setup(runs, trainable_layers=layers, optimizer=dict(learning_rate=0.01))
    where = folder / str(layers)
    table = setup.fit(where, 4)
    model.save_model(setup.network, where / "model.keras")
    scores = model.load_model(where / "model.keras").predict(np.asarray(setup.data.pixels), verbose=0)
    now = options.predicted(
        setup.part.model, options.Batches(setup.part.inputs, np.arange(90), np.zeros((90, 6)), 64)
    )
    asked, labels = setup.members, [f"label {{i}}" for i in range(6)]
    found[layers] = dict(
        fixed=record.fixed_batch_loss(asked, setup.part.model),
        weights=record.effective_weights(asked, labels).present.tolist(),
        loss=table["loss"].tolist(), val_loss=table["val_loss"].tolist(), shape=now.shape,
        difference=float(abs(now[:90] - scores).max()),
    )
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> list[dict]:
    results = []
    for devices in (1, 2):
        folder = tmp_path_factory.mktemp(f"devices{devices}")
        script = MIRRORED.format(tests=str(Path(__file__).parent), folder=str(folder), devices=devices)
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=quiet)
        assert said.returncode == 0, said.stderr[-3000:]
        results.append(json.loads(said.stdout.splitlines()[-1]))
    return results


@pytest.mark.slow
@pytest.mark.parametrize("layers", ["0", "-1"], ids=["head", "all layers"])
def test_two_devices_learn_what_one_learns(found, layers):
    one, two = found
    assert (one["replicas"], two["replicas"]) == (1, 2)
    loss = two[layers]["loss"]
    assert np.isfinite(loss).all() and loss[-1] < loss[0]
    assert np.allclose(loss, one[layers]["loss"], rtol=1e-3)  # a batch is split, its gradients are added
    assert np.allclose(two[layers]["val_loss"], one[layers]["val_loss"], rtol=1e-3)
    assert np.allclose(two[layers]["weights"], 1, atol=0.02)
    assert np.isclose(two[layers]["fixed"]["compiled"], two[layers]["fixed"]["formula"], rtol=1e-4)
    assert two[layers]["shape"] == [90, 6] and two[layers]["difference"] < 1e-5
