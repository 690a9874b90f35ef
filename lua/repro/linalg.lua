--- repro.linalg: double-precision analysis of matrices.
---
---     local w, V = rp.linalg.eigh(A)
---
--- A matrix is a tensor (n, m) of any element type, converted to float64; results are float64 tensors or numbers.  Positions
--- are int64 from 1.  Nothing here has a gradient: a tensor of a recorded graph is refused, pass x:detach().  NaN and
--- infinities are refused.  The same bits on every machine and for any number of threads.

local core = require("repro.core").linalg
local misuse = require "repro.misuse"

local linalg = {}

---A V = V diag(w), V'V = I, of a symmetric matrix.  Each column of V has its component of largest magnitude positive.
---Source: Golub, Van Loan, Matrix Computations, sec. 8.3: Householder tridiagonalisation, implicit QL.
---@param A Tensor (n, n), symmetric to within 1e-6 max|A|; (A + A')/2 is what is decomposed
---@param vectors? boolean default true; false: w alone, about four times faster
---@return Tensor w (n) ascending
---@return Tensor V (n, n), column j belongs to w[j]
linalg.eigh = core.eigh

---A = Q R, Q'Q = I, R upper triangular with a diagonal >= 0; k = min(m, n).
---@param A Tensor (m, n)
---@return Tensor Q (m, k)
---@return Tensor R (k, n)
linalg.qr = core.qr

---A = L L', L lower triangular with a positive diagonal.  Only the lower triangle of A is read.
---@param A Tensor (n, n) symmetric positive definite
---@return Tensor L (n, n)
linalg.cholesky = core.cholesky

---A = U diag(s) V', U'U = V'V = I; k = min(m, n).  Each column of V has its component of largest magnitude positive.
---@param A Tensor (m, n)
---@return Tensor U (m, k)
---@return Tensor s (k) descending
---@return Tensor V (n, k), not its transpose
linalg.svd = core.svd

---A X = B, by LU with partial pivoting.  A singular matrix is an error.
---@param A Tensor (n, n)
---@param B Tensor (n, k) or (n)
---@return Tensor X of the shape of B
linalg.solve = core.solve

---A^-1.  A singular matrix is an error.
---@param A Tensor (n, n)
---@return Tensor (n, n)
linalg.inverse = core.inverse

---det A; 0 for a singular matrix, 1 for an empty one.
---@param A Tensor (n, n)
---@return number
linalg.det = core.det

---det A = sign e^(log_abs); sign 0 and -inf for a singular matrix.
---@param A Tensor (n, n)
---@return number sign
---@return number log_abs
linalg.logdet = core.logdet

---Least squares: each column of X minimises |A x - b|.
---@param A Tensor (m, n), m >= n, of full column rank
---@param B Tensor (m, k) or (m)
---@return Tensor X (n, k) or (n)
linalg.lstsq = core.lstsq

---The principal square root, S S = A.  Eigenvalues from -1e-6 of the largest to 0 count as 0.
---@param A Tensor (n, n) symmetric positive semidefinite
---@return Tensor S (n, n)
linalg.sqrtm = core.sqrtm

---tr (A^(1/2) B A^(1/2))^(1/2), which is tr (A B)^(1/2): the cross term of the Frechet distance between Gaussians.
---@param A Tensor (n, n) symmetric positive semidefinite
---@param B Tensor (n, n) symmetric positive semidefinite
---@return number
linalg.trace_sqrt_product = core.trace_sqrt_product

---Chooses min(n, m) entries of C, no two in a row or column, of least sum; -C maximises.  Among equally good choices always
---the same one.  Source: Jonker, Volgenant 1987 (Computing 38); Crouse 2016.
---@param C Tensor (n, m), finite, or +inf for a forbidden pair
---@return Tensor column (n) int64: the column of each row, 0 for a row left out
---@return number cost sum of the chosen entries
linalg.assignment = core.assignment

---k centres of least sum_i min_j |x_i - c_j|^2: Lloyd's algorithm from k-means++ seeds, the best of n_init runs.
---    rp.linalg.kmeans(x, 10, {seed = 1, stream = 0, n_init = 10, max_iter = 300, tol = 1e-4})
---tol: a run ends when the squared shift of all centres is at most tol times the mean variance of a coordinate.
---Source: Lloyd 1982; Arthur, Vassilvitskii 2007.
---@param x Tensor (n, d)
---@param k integer 1..n
---@param given? {seed: integer, stream: integer, n_init: integer, max_iter: integer, tol: number}
---@return Tensor centres (k, d)
---@return Tensor labels (n) int64, 1..k
---@return number inertia the least sum
linalg.kmeans = core.kmeans

---The leading principal components of n examples: of their covariance, or where they are fewer than their numbers of the Gram
---matrix of the centred examples, which has the same spectrum and is smaller (Murakami, Kumar 1982, PAMI 4).  float64: mean (D),
---basis (D, d) of orthonormal columns, their variances (d), ascending as eigh's; kept, the share of the whole variance.
---@param x Tensor (n, ...), n >= 2; an example is flattened to D numbers
---@param d integer how many; fewer come back if D is less, or n - 1 or the rank of so few examples
---@return {mean: Tensor, basis: Tensor, variance: Tensor, kept: number}
function linalg.pca(x, d)
  if x.ndim < 2 or x:size(1) < 2 then
    misuse("pca: examples (n, ...), n >= 2, are needed, got (%s)", table.concat(x.shape, ", "))
  end
  if math.type(d) ~= "integer" or d < 1 then misuse("pca: %s is no number of components", tostring(d)) end
  local flat = x:detach():flatten(2):to "float64"
  local n, mean = flat:size(1), flat:mean(1)
  local centred = flat - mean
  local few = n < flat:size(2)
  local w, V = linalg.eigh((few and centred:matmul(centred:t()) or centred:t():matmul(centred)) / n)
  local most = few and w:gt(w:max() * 1e-12):sum():item() or w:size(1)
  local first = w:size(1) - math.max(1, math.min(d, most)) + 1
  local top, basis = w:slice(1, first, -1), V:slice(2, first, -1)
  if few then basis = centred:t():matmul(basis) / (top * n):sqrt() end
  return { mean = mean, basis = basis, variance = top, kept = (top:sum() / w:sum()):item() }
end

return linalg
