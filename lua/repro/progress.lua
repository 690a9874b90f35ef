--- The live line of a run on stderr: step, loss with a sparkline, rate, time left, memory.
--- Silent when stderr is not a terminal, and with -q.
local rp = require "repro"

local progress = {}
progress.__index = progress

local bars = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

-- Positive values that span more than two decades are drawn by their logarithms.
local function to_scale(points, low, high)
  if not (low > 0 and high < math.huge and high > 100 * low) then return low, high end
  for i, point in ipairs(points) do points[i] = math.log(point) end
  return math.log(low), math.log(high)
end

--- A small chart of a series, the latest value last; a longer series is thinned by averaging.
---@param series number[]
---@param width integer largest number of characters
---@return string
function progress.sparkline(series, width)
  local points, n = {}, math.min(width, #series)
  local low, high = math.huge, -math.huge
  for i = 1, n do
    local from, to = (i - 1) * #series // n + 1, i * #series // n
    local sum = 0
    for j = from, to do sum = sum + series[j] end
    points[i] = sum / (to - from + 1)
    low, high = math.min(low, points[i]), math.max(high, points[i])
  end
  low, high = to_scale(points, low, high)
  for i, point in ipairs(points) do
    local share = high > low and (point - low) / (high - low) or 0
    points[i] = share == share and bars[math.floor(share * 7 + 0.5) + 1] or "?"
  end
  return table.concat(points)
end

--- A duration: 0.42 s, 31.2 s, 3 min 05 s, 2 h 10 min.
---@param seconds number
---@return string
function progress.duration(seconds)
  if seconds < 1 then return ("%.2f s"):format(seconds) end
  if seconds < 90 then return ("%.1f s"):format(seconds) end
  local whole = math.floor(seconds + 0.5)
  if whole < 5400 then return ("%d min %02d s"):format(whole // 60, whole % 60) end
  return ("%d h %02d min"):format(whole // 3600, whole % 3600 // 60)
end

--- A number of bytes: 210 MB.
---@param bytes integer
---@return string
function progress.bytes(bytes)
  if bytes < 1e4 then return ("%d B"):format(bytes) end
  if bytes < 1e6 then return ("%.0f kB"):format(bytes / 1e3) end
  if bytes < 1e9 then return ("%.0f MB"):format(bytes / 1e6) end
  return ("%.2f GB"):format(bytes / 1e9)
end

local function to_stderr(...)
  io.stderr:write(...)
  io.stderr:flush()
end

local function width_of_stderr()
  return rp.core.columns(2) or math.tointeger(tonumber(os.getenv "COLUMNS")) or 80
end

--- A progress line.
---@param options table {live = boolean, clock = function giving seconds, memory = function giving bytes in use,
---  write = function taking texts, columns = function giving the width; both of stderr if left out}
---@return table
function progress.new(options)
  return setmetatable({ live = options.live, clock = options.clock, memory = options.memory, drawn = -1, losses = {}, shown = false,
                        write = options.write or to_stderr, columns = options.columns or width_of_stderr }, progress)
end

--- A loss for the sparkline.
---@param value number
function progress:loss(value)
  local losses = self.losses
  losses[#losses + 1] = value
  if #losses >= 4096 then                                  -- halve the history by averaging pairs
    local half = {}
    for i = 1, #losses // 2 do half[i] = (losses[2 * i - 1] + losses[2 * i]) / 2 end
    self.losses = half
  end
end

--- The loss of the step in progress, read when the line is drawn.
---@param value number|Tensor
function progress:watch(value)
  if self.live then self.watched = value end
end

local function take_watched(self)
  local value = self.watched
  if value == nil then return end
  self.watched = nil
  if type(value) == "userdata" then value = value:item() end
  self:loss(value)
end

-- The parts of the line, each with its rank: where the terminal is narrow the highest rank goes first.
local function line_parts(self, i, n, text, now)
  local begun, losses = self.begun, self.losses
  local parts = { { text or "", 0 }, { ("%d/%d"):format(i, n), 0 } }
  local function add(rank, form, ...) parts[#parts + 1] = { form:format(...), rank } end
  if #losses > 1 then add(5, "%s", progress.sparkline(losses, 16)) end
  if #losses > 0 then add(1, "%.4g", losses[#losses]) end
  local elapsed = now - begun.at
  if i > begun.step and elapsed > 0.2 then
    local rate = (i - begun.step) / elapsed
    add(3, rate < 100 and "%.3g/s" or "%.0f/s", rate)
    add(2, "left %s", progress.duration((n - i) / rate))
  end
  local left = self.expected and self.expected - (now - self.since)
  if left and left > 0 then add(4, "run left %s", progress.duration(left)) end
  add(6, "%s", progress.bytes(self.memory()))
  return parts
end

local function width_of(parts)
  local width = 2 * (#parts - 1)
  for _, part in ipairs(parts) do width = width + (utf8.len(part[1]) or #part[1]) end
  return width
end

-- Takes parts out until the rest has room in `columns`, and joins it.
local function fitted(parts, columns)
  for rank = 6, 1, -1 do
    for k = #parts, 1, -1 do
      if parts[k][2] == rank and width_of(parts) > columns then table.remove(parts, k) end
    end
  end
  local words = {}
  for k, part in ipairs(parts) do words[k] = part[1] end
  local line = table.concat(words, "  ")
  local too_far = utf8.len(line) and utf8.offset(line, columns + 1)
  return too_far and line:sub(1, too_far - 1) or line
end

--- What the whole run is expected to take, for the time left of it.
---@param seconds number from now
function progress:expect(seconds)
  self.expected, self.since = seconds, self.clock()
end

--- Shows step i of n; at most ten times a second.
---@param i integer
---@param n integer
---@param text string|nil what is being done
function progress:update(i, n, text)
  if not self.live then return end
  local now = self.clock()
  if not self.begun or self.begun.text ~= text or self.begun.n ~= n or i < self.begun.last then
    self.begun = { text = text, n = n, at = now, step = i - 1 }
    self.losses, self.watched = {}, nil
  end
  self.begun.last = i
  if now - self.drawn < 0.1 and i < n then return end
  self.drawn, self.shown = now, true
  take_watched(self)
  self.write("\r\27[K", fitted(line_parts(self, i, n, text, now), self.columns() - 1))
end

--- Removes the line from the terminal.
function progress:clear()
  if not self.shown then return end
  self.shown = false
  self.write "\r\27[K"
end

return progress
