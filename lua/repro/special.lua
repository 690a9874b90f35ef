--- repro.special: special functions of Lua numbers, in our own double precision (relative error below 1e-14).

local core = require("repro.core").special

local special = {}

---Ei(x) = PV int_(-inf)^x e^t / t dt; -inf at 0.
---@param x number
---@return number
special.ei = core.ei

---E1(x) = int_x^inf e^(-t) / t dt = -Ei(-x); inf at 0, NaN for x < 0.
---@param x number
---@return number
special.e1 = core.e1

---erfc(x) = 2/sqrt(pi) int_x^inf e^(-t^2) dt.
---@param x number
---@return number
special.erfc = core.erfc

---The inverse of erf; infinities at -1 and 1, NaN outside.
---@param y number
---@return number
special.erfinv = core.erfinv

---ln |Gamma(x)|; inf at 0, -1, -2, ...
---@param x number
---@return number
special.lgamma = core.lgamma

---psi(x) = d/dx ln Gamma(x); NaN at -1, -2, ...
---@param x number
---@return number
special.digamma = core.digamma

return special
