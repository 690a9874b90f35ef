--- How far two tensors are apart, in units of the last place.

local ulp = {}

local forms = { float32 = { "<f", "<i4", 0x7fffffff }, float64 = { "<d", "<i8", math.maxinteger } }

-- Place of a float in the list of all floats in ascending order, in which -0 comes just before +0.
local function place(x, form)
  local bits = string.unpack(form[2], string.pack(form[1], x))
  return bits >= 0 and bits or -1 - (bits & form[3])
end

-- Places differ by less than 2^64: an exact difference of integers if they have one sign, else a sum of floats.
local function apart(a, b)
  if (a < 0) == (b < 0) then return math.abs(a - b) end
  return math.abs(a + 0.0 - b)
end

local function is_nan(x) return x ~= x end

local function flat(x) return x:reshape(-1):totable() end

local function bits_differ(x, y)
  if is_nan(x) or is_nan(y) then return is_nan(x) ~= is_nan(y) end
  return x ~= y or x == 0 and 1 / x ~= 1 / y
end

--- Elements of two tensors of one type and shape whose bits differ.  The distance of two floats is the number of steps
--- between them in the ascending list of all floats of their type, -0 and +0 being neighbours; of a NaN and a number it
--- is infinite.  Of integers and bool it is the difference.
---@param a Tensor
---@param b Tensor
---@return table {count, total, largest, index (from 1, row-major), a, b: the pair that is farthest apart}
function ulp.distance(a, b)
  local form = forms[a.dtype]
  local x, y = flat(form and a or a:to "int64"), flat(form and b or b:to "int64")
  local found = { count = 0, total = #x, largest = 0 }
  for i = 1, #x do
    if bits_differ(x[i], y[i]) then
      found.count = found.count + 1
      local d
      if not form then d = apart(x[i] // 1 | 0, y[i] // 1 | 0)
      elseif is_nan(x[i]) or is_nan(y[i]) then d = math.huge
      else d = apart(place(x[i], form), place(y[i], form)) end
      if d > found.largest then found.largest, found.index, found.a, found.b = d, i, x[i], y[i] end
    end
  end
  return found
end

--- The next float of a type above a number: for tests, and to see what one unit does.
---@param x number
---@param dtype string|nil "float32" if left out, or "float64"
---@return number
function ulp.next(x, dtype)
  local form = forms[dtype or "float32"]
  local i = place(x, form) + 1
  if i < 0 then i = -1 - i | ~form[3] end
  return (string.unpack(form[1], string.pack(form[2], i)))
end

return ulp
