--- Noise schedules of discrete variance-preserving diffusion: beta_1 .. beta_T in double precision.

local core = require "repro.core"

local exact = core.math
local schedules = {}

---beta_t rises linearly.  EQ: Ho et al. 2020, arXiv:2006.11239, sec. 4
---@param n integer number of steps T
---@param first? number default 1e-4
---@param last? number default 0.02
---@return number[]
function schedules.linear(n, first, last)
  first, last = first or 1e-4, last or 0.02
  local betas = {}
  for t = 1, n do betas[t] = first + (last - first) * (t - 1) / math.max(n - 1, 1) end
  return betas
end

---sqrt(beta_t) rises linearly.  Source: Rombach et al. 2022, arXiv:2112.10752 (Stable Diffusion).
---@param n integer
---@param first? number default 0.00085
---@param last? number default 0.012
---@return number[]
function schedules.scaled_linear(n, first, last)
  local betas = schedules.linear(n, math.sqrt(first or 0.00085), math.sqrt(last or 0.012))
  for t = 1, n do betas[t] = betas[t] * betas[t] end
  return betas
end

---abar_t = f(t) / f(0), f(t) = cos^2(pi/2 (t/T + 0.008) / 1.008), beta_t at most 0.999.
---EQ: Nichol & Dhariwal 2021, arXiv:2102.09672, eq. 17
---@param n integer
---@return number[]
function schedules.cosine(n)
  local function f(t)
    local c = exact.cos((t / n + 0.008) / 1.008 * math.pi / 2)
    return c * c
  end
  local betas = {}
  for t = 1, n do betas[t] = math.min(1 - f(t) / f(t - 1), 0.999) end
  return betas
end

---abar_t = prod_{i <= t} (1 - beta_i).
---@param betas number[]
---@return number[]
local function alphas_cumprod(betas)
  local product, list = 1, {}
  for t, beta in ipairs(betas) do
    product = product * (1 - beta)
    list[t] = product
  end
  return list
end

return { schedules = schedules, alphas_cumprod = alphas_cumprod }
