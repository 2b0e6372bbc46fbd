#!/usr/bin/env python3
"""Puts the web service of samples/04-web-service under load, on the same machine as the load generator (ab, from Debian's apache2-utils).

    dotnet build -c Release samples/04-web-service
    benchmarks/web-service/load.py FIRST.onnx SECOND.onnx PICTURE [REQUESTS]

Measures requests per second and latencies, 1,000 malformed uploads, a decompression bomb, 10 replacements of the model under load, and the
memory of the service throughout. Prints one JSON document.
"""
import http.client
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

first, second, picture = sys.argv[1:4]
requests = int(sys.argv[4]) if len(sys.argv) > 4 else 100_000
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
work = tempfile.mkdtemp(prefix="patchwork-load-")
served = os.path.join(work, "served.onnx")
shutil.copy(first, served)
service = subprocess.Popen(
    ["dotnet", os.path.join(root, "samples/04-web-service/bin/Release/net10.0/WebService.dll"), "--Model", served, "--urls", "http://127.0.0.1:0",
     "--Logging:LogLevel:Default", "Warning", "--Logging:LogLevel:Microsoft.Hosting.Lifetime", "Information"],
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
address = None
for line in service.stdout:
    found = re.search(r"Now listening on: (http://\S+)", line)
    if found:
        address = found.group(1)
        break
host = address.removeprefix("http://")
threading.Thread(target=lambda: [None for _ in service.stdout], daemon=True).start()


def resident():
    with open(f"/proc/{service.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) // 1024      # MiB


def ask(body):
    connection = http.client.HTTPConnection(host)
    connection.request("POST", "/classify", body)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def load(count, together):
    out = subprocess.run(["ab", "-q", "-k", "-n", str(count), "-c", str(together), "-p", picture, "-T", "image/jpeg", address + "/classify"],
                         capture_output=True, text=True).stdout
    share = {name: float(value) for name, value in re.findall(r"^\s+(50|95|99|100)%\s+(\d+)", out, re.M)}
    return {
        "requests": int(re.search(r"Complete requests:\s+(\d+)", out).group(1)),
        "failed": int(re.search(r"Failed requests:\s+(\d+)", out).group(1)) + int((re.search(r"Non-2xx responses:\s+(\d+)", out) or [0, 0])[1]),
        "at_once": together,
        "per_second": float(re.search(r"Requests per second:\s+([\d.]+)", out).group(1)),
        "milliseconds": {"median": share["50"], "95 %": share["95"], "99 %": share["99"], "longest": share["100"]},
    }


report = {"picture_bytes": os.path.getsize(picture), "model_bytes": os.path.getsize(first)}
try:
    load(500, 4)      # compiles code before the measurement
    report["one_at_a_time"] = load(2_000, 1)
    report["eight_at_a_time"] = load(5_000, 8)

    whole = open(picture, "rb").read()
    dice = random.Random(1)
    answers = {}
    for i in range(1_000):
        damaged = bytearray(whole[:dice.randrange(1, len(whole))] if i % 2 else whole)
        for _ in range(dice.randrange(1, 50)):
            damaged[dice.randrange(min(len(damaged), 600))] = dice.randrange(256)
        status, _ = ask(bytes(damaged))
        answers[status] = answers.get(status, 0) + 1
    report["malformed"] = {str(status): count for status, count in sorted(answers.items())}

    chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)) \
        + chunk(b"IDAT", zlib.compress(bytes(30_000_000), 9)) + chunk(b"IEND", b"")
    before = resident()
    status, text = ask(bomb)
    report["bomb"] = {"bytes": len(bomb), "status": status, "answer": json.loads(text)["detail"], "MiB_more": resident() - before}

    # The model is replaced ten times under eight concurrent requests; every answer must come from one of the two models.
    known = {}
    for name, model in (("first", first), ("second", second)):
        shutil.copy(model, served + ".new")
        os.replace(served + ".new", served)
        time.sleep(2.5)
        known[name] = ask(whole)[1]
    stop, seen = threading.Event(), {"other": 0, "first": 0, "second": 0}

    def watch():
        while not stop.is_set():
            text = ask(whole)[1]
            seen[next((name for name, answer in known.items() if answer == text), "other")] += 1

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = {}
    generator = threading.Thread(target=lambda: result.update(load(max(2_000, int(report["eight_at_a_time"]["per_second"] * 22)), 8)))
    generator.start()
    for i in range(10):
        shutil.copy((first, second)[i % 2], served + ".new")
        os.replace(served + ".new", served)
        time.sleep(2)
    generator.join()
    stop.set()
    watcher.join()
    report["ten_exchanges"] = {**result, "answers_seen": seen}

    memory = []
    each = max(1, requests // 20)
    for _ in range(20):
        load(each, 8)
        memory.append(resident())
    report["memory"] = {"requests": 20 * each, "MiB": memory}
finally:
    service.kill()
    shutil.rmtree(work)
print(json.dumps(report, indent=2))
