--- What a network predicts about x = a x0 + s eps, and how one prediction gives another.
---
---   eps       the noise                                         EQ: Ho et al. 2020, arXiv:2006.11239, eq. 11, 14
---   x0        the clean data
---   v         a eps - s x0, where a^2 + s^2 = 1                 EQ: Salimans & Ho 2022, arXiv:2202.00512, sec. 4
---   score     -eps / s, weighted by s^2 in the loss             EQ: Song et al. 2021, arXiv:2011.13456, eq. 7
---   velocity  eps - x0, where x = (1 - t) x0 + t eps            EQ: Liu et al. 2023, arXiv:2209.03003, eq. 1
---
--- a and s are numbers, or tensors that broadcast with x.  No function divides by a where s carries the information.

local misuse = require "repro.misuse"
local nearest = require "repro.nearest"

---@class Parametrisation
---@field target fun(x0: Tensor, eps: Tensor, a, s): Tensor what the network should give
---@field clean fun(f: Tensor, x: Tensor, a, s): Tensor the estimate of x0 that a prediction f implies
---@field noise fun(f: Tensor, x: Tensor, a, s): Tensor the estimate of eps that a prediction f implies
---@field weight? fun(a, s): any factor of the squared error, absent for 1

---@type table<string, Parametrisation>
local kinds = {
  eps = {
    target = function(_, eps) return eps end,
    clean = function(f, x, a, s) return (x - f * s) / a end,
    noise = function(f) return f end,
  },
  x0 = {
    target = function(x0) return x0 end,
    clean = function(f) return f end,
    noise = function(f, x, a, s) return (x - f * a) / s end,
  },
  v = {
    target = function(x0, eps, a, s) return eps * a - x0 * s end,
    clean = function(f, x, a, s) return x * a - f * s end,
    noise = function(f, x, a, s) return x * s + f * a end,
  },
  score = {
    target = function(_, eps, _, s) return -eps / s end,
    clean = function(f, x, a, s) return (x + f * (s * s)) / a end,
    noise = function(f, _, _, s) return -f * s end,
    weight = function(_, s) return s * s end,
  },
  velocity = {
    target = function(x0, eps) return eps - x0 end,
    clean = function(f, x, _, s) return x - f * s end,
    noise = function(f, x, a) return x + f * a end,
  },
}

---@param who string for the message
---@param name string
---@param allowed string[] those that make sense for a process
---@return Parametrisation
local function parametrisation(who, name, allowed)
  for _, known in ipairs(allowed) do
    if name == known then return kinds[name] end
  end
  misuse("%s: predict = '%s' is not possible%s", who, tostring(name), nearest.hint(tostring(name), allowed))
end

return { parametrisation = parametrisation, parametrisations = kinds }
