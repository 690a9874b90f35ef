--- Files: every format read and written from Lua, JSON and Markdown, what is refused and how it is said.
local T = require "tap"
local rp = require "repro"

local golden = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" .. "/../golden/io/"
local scratch = os.tmpname()
os.remove(scratch)
scratch = scratch .. ".d/"
rp.io.mkdir(scratch)

local function at(name) return scratch .. name end
local function shape(x) return table.concat(x.shape, "x") end

---------------------------------------------------------------------------------------- text, hashes, folders
rp.io.write_text(at "a", "abc")
rp.io.write_text(at "a", "x\0y")
T.eq(rp.io.read_text(at "a"), "x\0y", "read_text gives what write_text wrote")
T.eq(rp.io.sha256_text "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "sha256_text")
T.eq(rp.io.sha256_file(at "a"), rp.io.sha256_text "x\0y", "sha256_file")
T.eq(rp.io.sha256(at "a"), rp.io.sha256_file(at "a"), "sha256 is sha256_file")
rp.io.mkdir(at "d/e/f")
rp.io.mkdir(at "d/e/f")
rp.io.write_text(at "d/z", "")
rp.io.write_text(at "d/B", "")
T.eq(rp.io.list(at "d"), { "B", "e", "z" }, "list is sorted by bytes")
T.ok(rp.io.exists(at "d/e/f") and not rp.io.exists(at "d/x"), "exists")
T.eq({ rp.io.remove(at "d/B"), rp.io.remove(at "d/B") }, { true, false }, "remove tells whether the file was there")
T.raises(function() rp.io.remove(at "d") end, "cannot remove", "remove refuses a folder with files")
T.raises(function() rp.io.read_text(at "none") end, "none: cannot open: No such file", "read_text names the file")
T.raises(function() rp.io.read_text() end, "test_io.lua:%d+: .*read_text: expected a path", "errors carry the script's line")
T.raises(function() rp.io.read_text "a\0b" end, "zero byte", "a path with a zero byte")
T.raises(function() rp.io.write_text(at "a", 1) end, "expected a string as argument 2, not number", "write_text takes text")
T.raises(function() rp.io.write_text("/dev/null", "") end, "not an ordinary file", "write_text does not replace a device")
T.eq(rp.io.read_text(at "a"), "x\0y", "a refused write changes nothing")

---------------------------------------------------------------------------------------------------------- NPY
local types = { "bool", "uint8", "int32", "int64", "float32", "float64" }
local function sample(dtype) return rp.tensor({ { 0, 1, 0 }, { 1, 1, 0 } }, "float64"):to(dtype) end
for _, dtype in ipairs(types) do
  rp.io.write_npy(at "x.npy", sample(dtype))
  T.bits(rp.io.read_npy(at "x.npy"), sample(dtype), "NPY keeps " .. dtype)
end
local x = rp.randn(4, 5)
rp.io.write_npy(at "t.npy", x:t())
T.bits(rp.io.read_npy(at "t.npy"), x:t(), "NPY of a transposed view")
rp.io.write_npy(at "p.npy", x:clone():requires_grad_())
T.ok(not rp.io.read_npy(at "p.npy").requires_grad, "what is read requires no gradient")
T.eq(rp.io.read_npy(golden .. "fortran.npy")[{ 1, 2 }]:totable(), { 2, 2.75, 3.5, 4.25 }, "NPY in column-major order")
T.eq(rp.io.read_npy(golden .. "i2big.npy"):totable(), { { -4, -1, 2 }, { 5, 8, 11 } }, "NPY of big-endian 16-bit integers")
T.eq(rp.io.read_npy(golden .. "scalar.npy"):item(), 2.5, "NPY of a scalar")
T.raises(function() rp.io.read_npy(golden .. "gray8.png") end, "gray8.png: byte 0: expected an NPY file", "NPY refuses a PNG")
T.raises(function() rp.io.write_npy(at "y.npy", { 1 }) end, "tensor is expected", "write_npy takes a tensor")

------------------------------------------------------------------------------------------ NPZ and safetensors
local weights = { w = x, b = rp.tensor({ 1, 2 }, "int64"), ["a.b/c é"] = rp.zeros(0, 3) }
local function check_named(got, what)
  local names = {}
  for name in pairs(got) do names[#names + 1] = name end
  T.eq(#names, 3, what .. " holds three tensors")
  for _, name in ipairs { "w", "b", "a.b/c é" } do T.bits(got[name], weights[name], what .. " keeps " .. name) end
end
rp.io.write_npz(at "w.npz", weights)
check_named(rp.io.read_npz(at "w.npz"), "NPZ")
rp.io.write_safetensors(at "w.safetensors", weights, { step = "7", author = "é" })
local read, notes = rp.io.read_safetensors(at "w.safetensors")
check_named(read, "safetensors")
T.eq(notes, { step = "7", author = "é" }, "safetensors keeps metadata")
rp.io.write_safetensors(at "v.safetensors", read, notes)
T.eq(rp.io.sha256(at "v.safetensors"), rp.io.sha256(at "w.safetensors"), "equal tensors make an equal file")
local eight, by = rp.io.read_safetensors(golden .. "eight.safetensors")
T.eq(by.format, "np", "metadata of a file by the format's own library")
T.eq(eight.l:totable(), { -4, -1 }, "tensor of a file by the format's own library")
rp.io.write_safetensors(at "eight", eight, by)
T.eq(rp.io.sha256(at "eight"), rp.io.sha256(golden .. "eight.safetensors"), "the bytes of the format's own library")
T.eq(rp.io.read_npz(golden .. "deflated.npz").y:sum():item(), 0, "NPZ that is compressed")
T.raises(function() rp.io.write_npz(at "z", { x }) end, "must be names; one is a number", "NPZ needs names")
T.raises(function() rp.io.write_safetensors(at "z", { a = 1 }) end, "'a' is a number; a tensor is expected", "safetensors needs tensors")
T.raises(function() rp.io.write_safetensors(at "z", { a = x }, { k = 1 }) end, "metadata 'k' is a number", "metadata are strings")
T.raises(function() rp.io.write_safetensors(at "z", { ["\xff"] = x }) end, "not UTF%-8", "names are UTF-8")
T.ok(not rp.io.exists(at "z"), "a refused write leaves no file")

---------------------------------------------------------------------------------------------- IDX and CIFAR
rp.io.write_text(at "idx", "\0\0\8\2\0\0\0\2\0\0\0\3abcdef")
T.eq(rp.io.read_idx(at "idx"):totable(), { { 97, 98, 99 }, { 100, 101, 102 } }, "IDX")
rp.io.write_text(at "idx", "\0\0\8\2\0\0\0\2\0\0\0\3abcde")
T.raises(function() rp.io.read_idx(at "idx") end, "byte 12: expected 6 bytes of elements, 5 remain", "IDX cut short")
local pixels = ("\1"):rep(1024) .. ("\2"):rep(1024) .. ("\3"):rep(1024)
rp.io.write_text(at "c10", "\7" .. pixels .. "\0" .. pixels)
local images, labels = rp.io.read_cifar10(at "c10")
T.eq({ shape(images), images.dtype, labels.dtype }, { "2x3x32x32", "uint8", "int64" }, "CIFAR-10")
T.eq(labels:totable(), { 7, 0 }, "CIFAR-10 labels count from 0")
T.eq({ images[{ 2, 1, 1, 1 }]:item(), images[{ 2, 3, 32, 32 }]:item() }, { 1, 3 }, "CIFAR-10 has red, green, blue planes")
rp.io.write_text(at "c100", "\19\99" .. pixels)
local _, coarse, fine = rp.io.read_cifar100(at "c100")
T.eq({ coarse:item(), fine:item() }, { 19, 99 }, "CIFAR-100 has coarse and fine labels")
T.raises(function() rp.io.read_cifar10(at "c100") end, "left over", "CIFAR-10 refuses CIFAR-100")

---------------------------------------------------------------------------------------------------------- PNG
local picture = rp.arange(0, 59, 1, "int32"):reshape(4, 5, 3)
rp.io.write_png(at "8.png", picture:to("uint8"))
T.bits(rp.io.read_png(at "8.png"), picture:to("uint8"), "PNG of 8 bits")
rp.io.write_png(at "16.png", picture * 1000)
T.bits(rp.io.read_png(at "16.png"), picture * 1000, "PNG of 16 bits")
rp.io.write_png(at "f.png", rp.tensor { { 0, 0.5, 1 } })
T.eq(rp.io.read_png(at "f.png"):reshape(-1):totable(), { 0, 128, 255 }, "PNG of floats")
rp.io.write_png(at "v.png", picture:to("uint8"):permute(2, 1, 3))
T.eq(shape(rp.io.read_png(at "v.png")), "5x4x3", "PNG of a permuted view")
rp.io.write_png(at "9.png", picture:to("uint8"))
T.eq(rp.io.sha256(at "9.png"), rp.io.sha256(at "8.png"), "equal images make an equal file")
T.eq(shape(rp.io.read_png(golden .. "palette4t.png")), "5x7x4", "PNG with a palette and transparency")
T.raises(function() rp.io.write_png(at "z", rp.tensor { { 0, 1.5 } }) end, "row 1, column 2, channel 1 is 1.5", "PNG of 1.5")
T.raises(function() rp.io.write_png(at "z", rp.tensor { { 0 / 0 } }) end, "nan", "PNG of NaN")
T.raises(function() rp.io.write_png(at "z", rp.zeros(3, 3, 5)) end, "3x3x5", "PNG of five channels")

--------------------------------------------------------------------------------------------------------- JSON
local encode, decode = rp.io.json_encode, rp.io.json_decode
T.eq(encode { b = 1, a = { 1.0, 0.1, "é\n", true }, [""] = {} }, '{"":{},"a":[1.0,0.10000000000000001,"é\\n",true],"b":1}',
  "json_encode sorts keys and writes 17 digits")
T.eq(encode({ a = { 1 } }, true), '{\n  "a": [\n    1\n  ]\n}', "json_encode can be pretty")
T.eq({ encode {}, encode(rp.io.json_array()), encode(rp.io.null), encode "x" }, { "{}", "[]", "null", '"x"' }, "small values")
local text = '{"a":[],"b":{},"c":[1,1.0,null,"\\u0000",-0.0,1e300],"d":{"e":false}}'
T.eq(encode(decode(text)), text:gsub("1e300", "1.0000000000000001e300"), "what is decoded is encoded as it was")
T.eq({ math.type(decode "1"), math.type(decode "1.0") }, { "integer", "float" }, "integers stay integers")
T.ok(decode "[null]"[1] == rp.io.null, "null is rp.io.null")
for _, number in ipairs { 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, math.pi } do
  T.eq(decode(encode(number)), number, ("%.17g comes back"):format(number))
end
T.raises(function() decode "[1,\n2" end, "line 2, column 1", "json_decode says where")
T.raises(function() decode '{"a":1,"a":2}' end, "duplicate", "json_decode refuses a key given twice")
T.raises(function() decode(("["):rep(100000)) end, "depth", "json_decode refuses deep nesting")
local cycle = {}
cycle.again = cycle
for _, case in ipairs {
  { { 1, nil, 3 }, "gaps" }, { { 1, a = 2 }, "positions and other keys" }, { 0 / 0, "NaN" }, { 1 / 0, "infinity" },
  { print, "function" }, { x, "totable" }, { cycle, "contains itself" }, { "\xff", "UTF%-8" }, { { [true] = 1 }, "boolean" },
} do
  T.raises(function() encode(case[1]) end, case[2], "json_encode refuses: " .. case[2])
end

----------------------------------------------------------------------------------------------------- Markdown
T.eq(rp.io.markdown "# A\n\n*b* & `c`\n", "<h1>A</h1>\n<p><em>b</em> &amp; <code>c</code></p>\n", "markdown")
T.ok(not rp.io.markdown "<script>x</script>":find "<script", "markdown leaves HTML out")
T.raises(function() rp.io.markdown() end, "expected a string", "markdown takes text")

----------------------------------------------------------------------------------------------------- cleaning
local function remove_all(folder)
  for _, name in ipairs(rp.io.list(folder)) do
    local path = folder .. name
    if not pcall(rp.io.remove, path) then remove_all(path .. "/") end
  end
  rp.io.remove(folder)
end
remove_all(scratch)
T.ok(not rp.io.exists(scratch), "nothing is left")
T.done()
