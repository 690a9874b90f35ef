#!/usr/bin/env python3
"""ptx.py FILE.ptx >FILE.c: PTX as C, so that the launch emulator runs on the CPU what nvcc makes of our kernels.

emulator.c with these instead of the kernels' own text, in tests/cuda/emulator_ptx.so, compares every operation with the CPU
again.  That shows that nvcc (with the flags of this build) changed no result: what it fused, contracted, reordered, unrolled,
vectorised or left out, the bits are the same; that every access is aligned; that no thread reads what only this compiler's
layout, or a register that nothing was written to, would give; and that all it makes is defined to the last bit, for an
instruction without a row here, such as .approx and .ftz, or an addition without .rn, which ptxas may fuse, is an error.
It does not show what ptxas and the driver make of the PTX, what threads that truly run at once see of each other's memory, or
speed: `make check` reads ptxas' code (check_cuda.sh), and bench/gpu.sh runs it where there is a GPU.

Line n of the C text is line n of the PTX: debuggers, and the emulator's messages, speak of FILE.ptx."""
import re
import sys

# ---- instructions: a row for each family ---------------------------------------------------------------------------------
#
# opcode, as a regular expression; type of the result; types of the operands; C, in which these are a, b, c, d.  $x stands for
# the group of that name.  b32 is read as u32.  What is no C operator is in ptx.h.

INTEGER = r"(?P<t>[us](?P<n>16|32|64))"
BITS = r"(?P<t>b(?P<n>16|32|64))"
FLOAT = r"(?P<t>f32|f64)"
ROUNDED = r"(?P<r>rni|rzi|rmi|rpi)"

ROWS = [
    (r"mov\.(?P<t>[usbf](16|32|64)|pred)", "$t", "$t", "a"),
    (r"cvta(\.to)?\.(global|param|local|const)\.u64", "u64", "u64", "a"),
    # integers: they wrap
    (rf"add\.{INTEGER}", "u$n", "u$n u$n", "a + b"),
    (rf"sub\.{INTEGER}", "u$n", "u$n u$n", "a - b"),
    (rf"neg\.{INTEGER}", "u$n", "u$n", "0 - a"),
    (rf"abs\.{INTEGER}", "u$n", "$t", "a < 0 ? 0 - (u$n)a : (u$n)a"),
    (rf"mul\.lo\.{INTEGER}", "u$n", "u$n u$n", "(u$n)((u64)a * b)"),
    (rf"mad\.lo\.{INTEGER}", "u$n", "u$n u$n u$n", "(u$n)((u64)a * b + c)"),
    (r"mul\.hi\.(?P<s>[us])32", "$s32", "$s32 $s32", "($s32)(($s64)a * b >> 32)"),
    (r"mul\.hi\.(?P<s>[us])64", "$s64", "$s64 $s64", "($s64)(($s128)a * b >> 64)"),
    (r"mul\.wide\.(?P<s>[us])32", "$s64", "$s32 $s32", "($s64)a * b"),
    (r"mad\.wide\.(?P<s>[us])32", "u64", "$s32 $s32 u64", "(u64)(($s64)a * b) + c"),
    (r"(?P<o>div|rem)\.(?P<t>[us](32|64))", "$t", "$t $t", "$o_of_$t(a, b)"),
    (rf"min\.{INTEGER}", "$t", "$t $t", "a < b ? a : b"),
    (rf"max\.{INTEGER}", "$t", "$t $t", "a > b ? a : b"),
    # bits; shifts by too much leave nothing but the sign
    (rf"not\.{BITS}", "$t", "$t", "~a"),
    (r"not\.pred", "pred", "pred", "!a"),
    (r"and\.(?P<t>b16|b32|b64|pred)", "$t", "$t $t", "a & b"),
    (r"or\.(?P<t>b16|b32|b64|pred)", "$t", "$t $t", "a | b"),
    (r"xor\.(?P<t>b16|b32|b64|pred)", "$t", "$t $t", "a ^ b"),
    (rf"shl\.{BITS}", "$t", "$t u32", "b < $n ? (u$n)((u64)a << b) : 0"),
    (r"shr\.(?P<t>[ub](?P<n>16|32|64))", "$t", "$t u32", "b < $n ? a >> b : 0"),
    (r"shr\.s(?P<n>16|32|64)", "s$n", "s$n u32", "a >> (b < $n ? b : $n - 1)"),
    (r"shf\.l\.wrap\.b32", "u32", "u32 u32 u32", "(u32)(((u64)b << 32 | a) << (c & 31) >> 32)"),
    (r"bfi\.b(?P<n>32|64)", "u$n", "u$n u$n u32 u32", "bfi_of_$n(a, b, c, d)"),
    # numbers: each result is rounded once
    (rf"add\.rn\.{FLOAT}", "$t", "$t $t", "canonical_$t(a + b)"),
    (rf"sub\.rn\.{FLOAT}", "$t", "$t $t", "canonical_$t(a - b)"),
    (rf"mul\.rn\.{FLOAT}", "$t", "$t $t", "canonical_$t(a * b)"),
    (rf"fma\.rn\.{FLOAT}", "$t", "$t $t $t", "canonical_$t(fma_of_$t(a, b, c))"),
    (rf"div\.rn\.{FLOAT}", "$t", "$t $t", "canonical_$t(a / b)"),
    (rf"rcp\.rn\.{FLOAT}", "$t", "$t", "canonical_$t(1 / a)"),
    (rf"sqrt\.rn\.{FLOAT}", "$t", "$t", "canonical_$t(sqrt_of_$t(a))"),
    (rf"(?P<o>min|max)\.{FLOAT}", "$t", "$t $t", "canonical_$t($o_of_$t(a, b))"),
    (rf"neg\.{FLOAT}", "$t", "$t", "-a"),
    (rf"abs\.{FLOAT}", "$t", "$t", "abs_of_$t(a)"),
    (rf"copysign\.{FLOAT}", "$t", "$t $t", "copysign_of_$t(b, a)"),
    # conversions
    (r"cvt\.(?P<t>[us](8|16|32|64))\.(?P<f>[us](8|16|32|64))", "$t", "$f", "($t)a"),
    (rf"cvt\.rn\.{FLOAT}\.(?P<f>[us](8|16|32|64))", "$t", "$f", "($t)a"),
    (r"cvt\.f64\.f32", "f64", "f32", "a"),
    (r"cvt\.rn\.f32\.f64", "f32", "f64", "canonical_f32((f32)a)"),
    (rf"cvt\.{ROUNDED}\.(?P<t>f32\.f32|f64\.f64)", "$t", "$t", "canonical_$t($r_of_$t(a))"),
    (rf"cvt\.{ROUNDED}\.(?P<t>[us](32|64))\.(?P<f>f32|f64)", "$t", "$f", "$t_of_$f($r_of_$f(a))"),
    # comparisons: of floats those with u hold where one is NaN
    (r"setp\.eq\.(?P<t>[usbf](16|32|64))", "pred", "$t $t", "a == b"),
    (r"setp\.ne\.(?P<t>[usb](16|32|64))", "pred", "$t $t", "a != b"),
    (r"setp\.(lt|lo)\.(?P<t>[usf](16|32|64))", "pred", "$t $t", "a < b"),
    (r"setp\.(le|ls)\.(?P<t>[usf](16|32|64))", "pred", "$t $t", "a <= b"),
    (r"setp\.(gt|hi)\.(?P<t>[usf](16|32|64))", "pred", "$t $t", "a > b"),
    (r"setp\.(ge|hs)\.(?P<t>[usf](16|32|64))", "pred", "$t $t", "a >= b"),
    (rf"setp\.ne\.{FLOAT}", "pred", "$t $t", "a < b || a > b"),
    (rf"setp\.equ\.{FLOAT}", "pred", "$t $t", "!(a < b || a > b)"),
    (rf"setp\.neu\.{FLOAT}", "pred", "$t $t", "a != b"),
    (rf"setp\.ltu\.{FLOAT}", "pred", "$t $t", "!(a >= b)"),
    (rf"setp\.leu\.{FLOAT}", "pred", "$t $t", "!(a > b)"),
    (rf"setp\.gtu\.{FLOAT}", "pred", "$t $t", "!(a <= b)"),
    (rf"setp\.geu\.{FLOAT}", "pred", "$t $t", "!(a < b)"),
    (rf"setp\.num\.{FLOAT}", "pred", "$t $t", "a == a && b == b"),
    (rf"setp\.nan\.{FLOAT}", "pred", "$t $t", "a != a || b != b"),
    (r"selp\.(?P<t>[usbf](16|32|64))", "$t", "$t $t pred", "c ? a : b"),
]
ROWS = [(re.compile(opcode), *rest) for opcode, *rest in ROWS]

# Those that are more than a function of their operands: opcode -> method of Function.
SPECIAL = [
    (r"bra(\.uni)?", "branch"),
    (r"ret(\.uni)?", "leave"),
    (r"call(\.uni)?", "call"),
    (r"bar\.sync|barrier\.sync(\.aligned)?", "barrier"),
    (r"bar\.warp\.sync", "warp_barrier"),
    (r"ld\.(?:(?P<space>param|global|shared|const)\.)?(?:nc\.)?(?:v(?P<v>[24])\.)?(?P<t>[usbf](8|16|32|64))", "load"),
    (r"st\.(?:(?P<space>param|global|shared)\.)?(?:v(?P<v>[24])\.)?(?P<t>[usbf](8|16|32|64))", "store"),
    (r"cvta\.(?P<to>to\.)?shared\.u64", "generic"),
    (r"mov\.b(?P<n>64)", "halves"),
    (r"shfl\.sync\.(?P<mode>down|idx)\.b32", "shuffle"),
    (r"atom\.global\.min\.u64", "lower"),
    (r"cp\.async\.c[ag]\.shared\.global", "copy"),
    (r"cp\.async\.commit_group", "copy_commit"),
    (r"cp\.async\.wait_group", "copy_wait"),
]
SPECIAL = [(re.compile(opcode), method) for opcode, method in SPECIAL]

PLACES = {"%tid.x": "threadIdx.x", "%ntid.x": "blockDim.x", "%ctaid.x": "blockIdx.x", "%nctaid.x": "gridDim.x"}
HEAD = r"\.version [\d.]+|\.target sm_\w+|\.address_size 64"
PRAGMAS = r'\.pragma "(nounroll|used_bytes_mask \w+)"'  # the second: which bytes of a vector are needed; all are read


class Unknown(Exception):
    pass


def filled(text, groups):
    return re.sub(r"\$([a-z])", lambda m: groups[m.group(1)], text).replace("f32.f32", "f32").replace("f64.f64", "f64")


def ctype(t):
    return "u" + t[1:] if t[0] == "b" else t


def local(register):
    return register.replace("%", "$")


def split(text):
    """Operands, separated by commas outside of brackets."""
    return [part.strip() for part in re.findall(r"(?:\{[^}]*\}|\[[^\]]*\]|\([^)]*\)|[^,])+", text)]


class Function:
    """The body of one kernel or function, translated statement by statement.  shared: names of arrays in shared memory."""

    def __init__(self, operations, shared):
        self.operations, self.shared, self.types, self.symbols = operations, set(shared), {}, set()

    # -- operands --

    def address_of(self, symbol):
        if not re.fullmatch(r"[A-Za-z_$][\w$]*", symbol):
            raise Unknown(f"operand {symbol}")
        self.symbols.add(symbol)
        return f"IN_SHARED({symbol})" if symbol in self.shared else f"(u64)(uintptr_t){symbol}"

    def kind(self, register):
        """The type it was declared with, as one of many (%r<9>) or alone."""
        name = register if register in self.types else re.sub(r"\d+$", "", register)
        if name not in self.types:
            raise Unknown(f"register {register}")
        return self.types[name]

    def value(self, operand, t):
        """C of an operand that is read as type t."""
        t = ctype(t)
        if operand in PLACES:
            return PLACES[operand]
        if operand[0] == "%" or operand in self.types:
            have, name = self.kind(operand), local(operand)
            if (have[0] == "f") == (t[0] == "f"):
                if have[0] == "f" and have != t or (have == "pred") != (t == "pred"):
                    raise Unknown(f"{operand} as {t}")
                return name
            return f"{t if t[0] == 'f' else ctype('b' + have[1:])}_of({name})"
        if re.fullmatch(r"0f[0-9A-F]{8}", operand):
            return f"f32_of(0x{operand[2:]}u)"
        if re.fullmatch(r"0d[0-9A-F]{16}", operand):
            return f"f64_of(0x{operand[2:]}u)"
        if re.fullmatch(r"-?(\d+|0x[0-9a-fA-F]+)", operand) and t[0] != "f":
            number = int(operand, 0)
            return str(int(number != 0)) if t == "pred" else f"({t})0x{number & 0xffffffffffffffff:x}u"
        return self.address_of(operand)

    def address(self, operand, space):
        """C of [base + offset], as an address of the host."""
        base, offset = re.fullmatch(r"\[\s*([^\s+\]]+)(?:\s*\+\s*(-?\d+))?\s*\]", operand).groups()
        at = self.value(base, "u64") + (f" + (u64){int(offset)}" if offset and int(offset) else "")
        return f"OF_SHARED({at})" if space == "shared" else at

    def assign(self, register, t, value):
        have, name, t = self.kind(register), local(register), ctype(t)
        if (have[0] == "f") != (t[0] == "f"):
            value = f"{have if have[0] == 'f' else 'u' + t[1:]}_of({value})"
        elif have[0] == "f" and have != t:
            raise Unknown(f"{register} of {t}")
        return f"{name} = {value};"

    # -- statements --

    def statement(self, text):
        parts = re.fullmatch(r"(?:@(!?%p\d+)\s+)?([\w.]+)\s*(.*)", text, re.S)
        if not parts:
            raise Unknown(f"statement {text}")
        guard, opcode, rest = parts.groups()
        code = self.instruction(opcode, split(rest))
        return f"if ({local(guard)}) {{ {code} }}" if guard else code

    def instruction(self, opcode, operands):
        for pattern, method in SPECIAL:
            match = pattern.fullmatch(opcode)
            if match and (method != "halves" or any("{" in operand for operand in operands)):
                return getattr(self, method)(match, *operands)
        for pattern, result, types, text in ROWS:
            match = pattern.fullmatch(opcode)
            if match:
                return self.operation(opcode, match.groupdict(), result, types, text, operands)
        raise Unknown(f"instruction {opcode}")

    def operation(self, opcode, groups, result, types, text, operands):
        result, types = filled(result, groups), filled(types, groups).split()
        if len(operands) != len(types) + 1:
            raise Unknown(f"{opcode} of {len(operands)} operands")
        name = "op_" + opcode.replace(".", "_")
        names = ", ".join(f"{ctype(t)} {n}" for t, n in zip(types, "abcd"))
        self.operations[name] = f"OP {ctype(result)} {name}({names}) {{ return {filled(text, groups)}; }}"
        values = ", ".join(self.value(operand, t) for operand, t in zip(operands[1:], types))
        return self.assign(operands[0], result, f"{name}({values})")

    def branch(self, _, label):
        return f"goto {label.lstrip('$')};"

    def leave(self, _):
        return "return;"

    def call(self, _, *operands):
        results, name, given = ([], *operands) if len(operands) == 2 else (operands[0], operands[1], operands[2])
        return f"{name}({', '.join(split(results.strip('()')) + split(given.strip('()')))});"

    def barrier(self, _, which):
        if which != "0":
            raise Unknown(f"barrier {which}")
        return "emulated_barrier();"

    def warp_barrier(self, _, members):
        return f"DEMAND({self.value(members, 'u32')} == 0xffffffffu, \"a barrier for a part of a warp\", 0); emulated_warp_barrier();"

    def access(self, match, operand, each):
        """The address of a load or store of one number or a vector, then each(n) for these, 'at' being where it lies."""
        size, n = int(match["t"][1:]) // 8, int(match["v"] or 1)
        parts = " ".join(each(i, f"at + {i * size}" if i else "at") for i in range(n))
        return f"{{ const u64 at = AT({size * n}, {self.address(operand, match['space'])}); {parts} }}"

    def load(self, match, to, place):
        t, to = match["t"], split(to.strip("{}"))
        return self.access(match, place, lambda i, at: self.assign(to[i], t, f"load_{ctype(t)}({at})"))

    def store(self, match, place, what):
        t, what = match["t"], split(what.strip("{}"))
        return self.access(match, place, lambda i, at: f"store_{ctype(t)}({at}, {self.value(what[i], t)});")

    def generic(self, match, to, what):
        value = self.value(what, "u64")
        return self.assign(to, "u64", f"(u32)({value} - shared_base)" if match["to"] else f"OF_SHARED({value})")

    def halves(self, _, to, what):
        """mov.b64 between a register and two of 32 bits."""
        if to[0] == "{":
            low, high = split(to.strip("{}"))
            take = self.assign(low, "u32", "(u32)v"), self.assign(high, "u32", "(u32)(v >> 32)")
            return f"{{ const u64 v = {self.value(what, 'u64')}; {' '.join(take)} }}"
        low, high = (self.value(part, "u32") for part in split(what.strip("{}")))
        return self.assign(to, "u64", f"((u64){high} << 32 | {low})")

    def shuffle(self, match, to, *operands):
        to, there = to.split("|")
        values = ", ".join(self.value(operand, "u32") for operand in operands)
        return f"{{ pred there; const u32 got = SHFL_{match['mode']}({values}, &there); {self.assign(to, 'u32', 'got')} {local(there)} = there; }}"

    def lower(self, _, to, place, what):
        old = self.assign(to, "u64", "load_u64(at)")
        return f"{{ const u64 at = AT(8, {self.address(place, 'global')}), v = {self.value(what, 'u64')}; {old} LOWER((u64 *)(uintptr_t)at, v); }}"

    def copy(self, _, to, what, size, n):
        if size not in ("4", "8", "16"):
            raise Unknown(f"cp.async of {size} bytes")
        demand = f'DEMAND({"n <= 16" if size == "16" else f"n == 0 || n == {size}"}, "a copy of so many bytes", n);'
        return (f"{{ const u64 to = AT({size}, {self.address(to, 'shared')}), from = AT({size}, {self.address(what, 'global')}); "
                f"const u32 n = {self.value(n, 'u32')}; {demand} copy_{size}(to, from, n); }}")

    def copy_commit(self, _):
        return "COPY_COMMIT();"

    def copy_wait(self, _, n):
        return f"COPY_WAIT({int(n)});"

    # -- declarations --

    def declaration(self, text, body):
        """.reg, .param and .shared of a body, which is searched for the registers that are used."""
        register = re.fullmatch(r"\.reg \.(\w+)\s+(%?[a-z_]+)((?:<\d+>)?)", text)
        if register:
            t, name, many = ctype(register[1]), register[2], register[3]
            self.types[name] = t
            used = sorted(set(re.findall(rf"{name}\d+\b", body))) if many else [name]
            junk = f"{t}_of(JUNK)" if t == "f64" else f"{t}_of((u32)JUNK)" if t == "f32" else f"({t})JUNK"
            return f"{t} {', '.join(f'{local(name)} = {junk}' for name in used)};" if used else ""
        param = re.fullmatch(r"\.param \.b(\d+) (\w+)", text)
        if param:
            return f"_Alignas(8) unsigned char {param.group(2)}[{int(param.group(1)) // 8}];"
        shared = re.fullmatch(r"\.shared \.align (\d+) \.(\w+) ([\w$]+)(?:\[(\d+)\])?", text)
        if shared and int(shared.group(1)) <= 16:
            _, t, name, n = shared.groups()
            self.shared.add(name)
            return f"SHARED({ctype(t)}, {name}, {n or 1});"
        if re.fullmatch(PRAGMAS, text):
            return ""
        raise Unknown(f"declaration {text}")


def header(text):
    """What stands before a body: the C of it, and the name and size of the argument, if it is a kernel."""
    entry = re.fullmatch(r"(?:\.visible )?\.entry (\w+)\(\s*\.param \.align \d+ \.b8 (\w+)\[(\d+)\]\s*\)\s*(.*)", text, re.S)
    if entry:
        name, param, size, rest = entry.groups()
        most, demand = re.match(r"\.maxntid (\d+)(?:, 1, 1)?\s*(?:\.minnctapersm \d+)?$", rest.strip()), ""
        if most:
            demand = f' DEMAND(blockDim.x <= {most.group(1)}, "a launch of more threads than the kernel was compiled for", blockDim.x);'
        elif rest.strip():
            raise Unknown(f"directive {rest.strip()}")
        return f"static void kernel_{name}(const void *{param}) {{{demand}", (name, size)
    func = re.fullmatch(r"\.func\s+(?:\(\.param \.b64 (\w+)\)\s*)?([\w$]+)\(\s*(.*?)\s*\)", text, re.S)
    if not func:
        raise Unknown(f"header {text}")
    result, name, params = func.groups()
    given = [f"const void *{param}" for param in re.findall(r"\.param \.b64 ([\w$]+)", params)]
    return f"static void {name}({', '.join([f'void *{result}'] * bool(result) + given)}) {{", None


class Module:
    def __init__(self):
        self.operations, self.kernels, self.dynamic, self.lines = {}, [], set(), []

    def variable(self, text):
        """A declaration outside of functions."""
        dynamic = re.fullmatch(r"\.extern \.shared \.align (?:1|2|4|8|16) \.b8 ([\w$]+)\[\]", text)
        if dynamic:
            self.dynamic.add(dynamic.group(1))
            return ""
        data = re.fullmatch(r"\.(?:global|const) \.align (\d+) \.b(\d+) ([\w$]+)\[(\d+)\] = (\{[\d, ]+\})", text)
        if not data:
            raise Unknown(f"declaration {text}")
        return f"static _Alignas({data[1]}) u{data[2]} {data[3]}[{data[4]}] = {data[5]};"

    def body(self, lines, start, opening):
        """The statements of lines, the first of which is number start and holds what opens the function."""
        text = "\n".join(lines)
        function, out, so_far = Function(self.operations, self.dynamic), [], ""
        for number, line in enumerate(lines, start):
            label = re.fullmatch(r"\s*\$(\w+):\s*", line)
            if label:
                out.append(f"{label.group(1)}:;")
                continue
            begin, line, end = re.fullmatch(r"\s*(\{?)\s*(.*?)\s*(\}?)\s*", line).groups()
            so_far += line + "\n"
            done, so_far = (so_far, "") if so_far.rstrip().endswith(";") or not so_far.strip() else ("", so_far)
            try:
                code = [function.declaration(s, text) if s[0] == "." else function.statement(s) for s in map(str.strip, done.split(";")) if s]
            except Unknown as unknown:
                raise Unknown(f"line {number}: {unknown}") from None
            except (AttributeError, TypeError, ValueError):  # operands of a number or form that is not foreseen
                raise Unknown(f"line {number}: instruction {done.strip()}") from None
            out.append(" ".join([begin, *code, end]).strip())
        dynamic = "".join(f" DYNAMIC(unsigned char, {name});" for name in sorted(self.dynamic & function.symbols))
        out[0] = f"{opening}{' SHARED_BASE;' if 'hared_base' in ' '.join(out) or 'SHARED(' in ' '.join(out) else ''}{dynamic}"
        self.lines += out

    def translate(self, source):
        lines = [re.sub(rf"//.*|^(?:{HEAD})$", "", line) for line in source.split("\n")]
        at, so_far = 0, ""
        while at < len(lines):
            line = lines[at]
            if line == "{":
                end = lines.index("}", at)
                try:
                    opening, kernel = header(so_far.strip())
                except Unknown as unknown:
                    raise Unknown(f"line {at + 1}: {unknown}") from None
                self.kernels += [kernel] if kernel else []
                self.body(lines[at:end + 1], at + 1, opening)
                at, so_far = end + 1, ""
                continue
            so_far += line + "\n"
            self.lines.append("")
            if so_far.strip().endswith(";"):
                self.lines[-1] = " ".join(self.variable(s.strip()) for s in so_far.split(";") if s.strip())
                so_far = ""
            at += 1

    def text(self, path):
        register = "".join(f'  emulated_register("{name}", kernel_{name}, {size});\n' for name, size in self.kernels)
        return "\n".join(['#include "ptx.h"', *self.operations.values(), f'#line 1 "{path}"', *self.lines,
                          f"__attribute__((constructor)) static void add_kernels(void)\n{{\n{register}}}\n"])


def main(path):
    module = Module()
    with open(path, encoding="utf-8") as source:
        module.translate(source.read())
    if not module.kernels:
        raise Unknown("no kernels")
    sys.stdout.write(module.text(path))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Unknown as unknown:
        sys.exit(f"{sys.argv[1]}: {unknown}")
