#!/usr/bin/env python3
"""sass.py ARCHITECTURE SASS: what a card executes in the main loop of each kernel of matrix products, counted in `cuobjdump -sass`.

A step of the loop sums 16 terms.  Its heart is the basic block with most multiply-adds; the step is the shortest way from there
back to it that begins the copies of both factors for a later step (LDGSTS), those of whole tiles: 16 bytes at a time where rows
are adjacent ("wide"), a number at a time else.  A processor of sm_80 or later begins one instruction a cycle in each of its four
parts, and a multiply-add of float32 is one, so the share of FFMA among the instructions of a step bounds the share of the
card's peak that a kernel can reach.

Prints a line for each kernel and kind of copies: the share in the step and in its heart, what a multiply-add needs of reads.
Exit status 1 if a share is below the bound of LEAST, or a kernel reads or copies less than 16 bytes where it should."""
import collections
import heapq
import re
import sys

# kernel -> copies of the first and of the second factor -> least share of multiply-adds among the instructions of a step
LEAST = {
    "gemm_f32_128": {("wide", "wide"): 0.85, ("single", "wide"): 0.83, ("single", "single"): 0.81},
    "gemm_f32_64": {("wide", "wide"): 0.65, ("single", "wide"): 0.63, ("single", "single"): 0.60},
    "conv_f32_128": {("single", "single"): 0.77},
    "conv_f32_64": {("single", "single"): 0.61},
    "conv_weight_f32_128": {("single", "single"): 0.75},
    "conv_weight_f32_64": {("single", "single"): 0.56},
    "conv_input_f32_64": {("wide", "single"): 0.62},
}
TILE = {"128": (8, 128), "64": (4, 64)}  # results of a thread in each direction; of a block

INSTRUCTION = re.compile(r"^\s+/\*([0-9a-f]{4,})\*/\s+(.*?)\s*;")


def kernels(path):
    found, name = {}, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            function = re.search(r"Function : (\S+)", line)
            if function:
                name = function.group(1)
                found[name] = []
            elif name and INSTRUCTION.match(line):
                at, text = INSTRUCTION.match(line).groups()
                found[name].append((int(at, 16), text))
    return found


def opcode(text):
    return re.sub(r"^@!?U?P\w+\s+", "", text).split()[0]


def target(text):
    number = re.search(r"\b0x([0-9a-f]+)\s*$", text)
    return int(number.group(1), 16) if number else None


class Graph:
    """Basic blocks of a kernel, and which follow each."""

    def __init__(self, code):
        after = {a: b for (a, _), (b, _) in zip(code, code[1:])}
        starts = {code[0][0]}
        join = {}
        for at, text in code:
            op = opcode(text)
            if op.startswith(("BRA", "EXIT", "BSYNC", "RET")) and at in after:
                starts.add(after[at])
            if op.startswith(("BRA", "BSSY")) and target(text) is not None:
                starts.add(target(text))
        self.blocks, self.next = {}, collections.defaultdict(set)
        for at, text in code:
            if at in starts:
                here = at
                self.blocks[here] = []
            self.blocks[here].append(text)
            op, conditional = opcode(text), text.startswith("@") or re.search(r"BRA\S*\s+!?U?P\d", text)
            if op.startswith("BSSY"):
                join[re.search(r"\bB\d+", text).group(0)] = target(text)
            follows = after.get(at)
            if op.startswith("BRA") and target(text) is not None:
                self.next[here].add(target(text))
            if op.startswith("BSYNC"):
                self.next[here].add(join[re.search(r"\bB\d+", text).group(0)])
            if follows in starts and (conditional or not op.startswith(("BRA", "EXIT", "BSYNC", "RET"))):
                self.next[here].add(follows)

    def count(self, block, pattern):
        return sum(bool(re.match(pattern, opcode(text))) for text in self.blocks[block])

    def distances(self, start):
        """Fewest instructions between the end of `start` and the beginning of every other block."""
        best, queue = {}, [(0, b) for b in self.next[start]]
        heapq.heapify(queue)
        while queue:
            length, b = heapq.heappop(queue)
            if b in best or b not in self.blocks:
                continue
            best[b] = length
            if b != start:
                for follower in self.next[b]:
                    heapq.heappush(queue, (length + len(self.blocks[b]), follower))
        return best


def copying(graph, heart, kind, number):
    """Blocks that begin all copies of a factor of a whole tile."""
    pattern = r"LDGSTS.*\.128" if kind == "wide" else r"LDGSTS(?!.*128)"
    return [b for b in graph.blocks if b != heart and graph.count(b, pattern) >= number]


def shortest_step(graph, heart, kinds, numbers):
    from_heart, best = graph.distances(heart), None
    for first in copying(graph, heart, kinds[0], numbers[0]):
        from_first = graph.distances(first)
        for second in copying(graph, heart, kinds[1], numbers[1]):
            to_heart = graph.distances(second).get(heart)
            if second == first:
                if graph.count(first, "LDGSTS") < sum(numbers):
                    continue
                between = 0
            else:
                between = from_first.get(second)
            if first not in from_heart or between is None or to_heart is None:
                continue
            size = len(graph.blocks[heart]) + from_heart[first] + len(graph.blocks[first]) + between + to_heart
            size += len(graph.blocks[second]) if second != first else 0
            best = size if best is None or size < best else best
    return best


def main(architecture, path):
    failed = False
    all_kernels = kernels(path)
    for name, bounds in LEAST.items():
        graph = Graph(all_kernels[name])
        each, size = TILE[name.rsplit("_", 1)[1]]
        fma = r"FFMA"
        heart = max(graph.blocks, key=lambda b: graph.count(b, fma))
        work = 16 * each * each
        inside = graph.count(heart, fma) / len(graph.blocks[heart])
        reads, wide_reads = graph.count(heart, "LDS"), graph.count(heart, r"LDS.*\.128")
        if graph.count(heart, fma) < work or wide_reads < 16 * 2 * each // 4 or graph.count(heart, r"FMUL|FADD|STL|LDL"):
            print(f"{architecture} {name}: the heart has {graph.count(heart, fma)} FFMA, {wide_reads} LDS.128, "
                  f"{graph.count(heart, 'FMUL|FADD')} FMUL and FADD, {graph.count(heart, 'STL|LDL')} of local memory")
            failed = True
        for kinds, least in bounds.items():
            numbers = [size * 16 // 256 // (4 if kind == "wide" else 1) for kind in kinds]
            step = shortest_step(graph, heart, kinds, numbers)
            share = work / step if step else 0
            bad = share < least
            failed |= bad
            print(f"{architecture} {name:20} {kinds[0]:6} {kinds[1]:6}  {share:.3f} of a step of {step} instructions"
                  f"  {inside:.3f} of its heart  {work / max(reads, 1):.1f} FFMA a read" + (f"  BELOW {least}" if bad else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
