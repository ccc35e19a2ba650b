"""The benchmark's transformer in PyTorch, eager or compiled, on the same start and batches (BENCHMARKS.md says how to run it).

    python benches/peers/pytorch.py [--compile] [--threads N] [--attention fused|plain] FILE.json ...
"""

import argparse
import json
import pathlib
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, width, heads, plain):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.heads, self.plain = heads, plain

    def forward(self, x):
        batch, length, width = x.shape
        y = self.norm(x)
        split = lambda z: z.view(batch, length, self.heads, -1).transpose(1, 2)
        query, key, value = split(self.query(y)), split(self.key(y)), split(self.value(y))
        if self.plain:
            scores = query @ key.transpose(2, 3) * (width // self.heads) ** -0.5
            later = torch.ones(length, length, dtype=torch.bool).triu(1)
            mixed = scores.masked_fill(later, float("-inf")).softmax(-1) @ value
        else:
            mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.down(F.gelu(self.up(self.norm(x))))


class Block(nn.Module):
    def __init__(self, width, heads, plain):
        super().__init__()
        self.attention, self.mlp = Attention(width, heads, plain), Mlp(width)

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.mlp(x)


class Net(nn.Module):
    def __init__(self, run, plain):
        super().__init__()
        width = run["width"]
        # The last row is the start token.
        self.embedding = nn.Embedding(run["vocabulary"] + 1, width)
        self.positions = nn.Parameter(torch.zeros(run["length"], width))
        self.blocks = nn.ModuleList(Block(width, run["heads"], plain) for _ in range(run["blocks"]))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, run["vocabulary"])

    def forward(self, read):
        x = self.embedding(read) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def start(net, run):
    """Copies the given start; the parameters that weight decay pulls, and the others."""
    flat = torch.tensor(run["initial"])
    own = dict(net.named_parameters())
    pulled, others = [], []
    for entry in run["entries"]:
        rows, columns = entry["shape"]
        values = flat[entry["offset"] : entry["offset"] + rows * columns].view(rows, columns)
        name = entry["name"]
        if name == "embedding":
            name = "embedding.weight"
        elif name.endswith(".weight"):
            # nn.Linear keeps [to, from].
            values = values.T
        name = name.replace(".gain", ".weight").replace(".shift", ".bias")
        parameter = own.pop(name)
        with torch.no_grad():
            parameter.copy_(values.reshape(parameter.shape))
        (pulled if entry["decays"] else others).append(parameter)
    assert not own, f"no start for {list(own)}"
    return [{"params": pulled, "weight_decay": run["weight_decay"]}, {"params": others, "weight_decay": 0.0}]


def train(run, arguments):
    """Milliseconds and loss of each step."""
    net = Net(run, arguments.attention == "plain")
    optimizer = torch.optim.AdamW(start(net, run), lr=0.0, betas=run["betas"], eps=run["epsilon"])
    forward = torch.compile(net) if arguments.compile else net
    times, losses = [], []
    for tokens, rate in zip(run["tokens"], run["learning_rates"]):
        targets = torch.tensor(tokens).view(run["batch"], run["length"])
        before = time.perf_counter()
        starts = torch.full((run["batch"], 1), run["vocabulary"])
        read = torch.cat([starts, targets[:, :-1]], 1)
        loss = F.cross_entropy(forward(read).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        if run["clip"] > 0:
            nn.utils.clip_grad_norm_(net.parameters(), run["clip"])
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        losses.append(loss.item())
        times.append(1e3 * (time.perf_counter() - before))
    return times, losses


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE.json")
    parser.add_argument("--compile", action="store_true", help="by torch.compile, which wants a C++ compiler")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--attention", choices=["fused", "plain"], default="fused")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    how = f"{'compiled' if arguments.compile else 'eager'}, {arguments.attention} attention"
    print(f"PyTorch {torch.__version__}, {how}, threads: {arguments.threads}")
    print(f"{'size':<6}{'ms/step':>9}{'fastest':>9}{'first, ms':>11}  losses")
    for path in arguments.files:
        times, losses = train(json.loads(path.read_text()), arguments)
        first, last = losses[0], losses[-1]
        middle, fastest = statistics.median(times[1:]), min(times[1:])
        print(f"{path.stem:<6}{middle:>9.1f}{fastest:>9.1f}{times[0]:>11.0f}  {first:.4f} > {last:.4f}")


if __name__ == "__main__":
    main()
