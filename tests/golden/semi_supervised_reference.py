"""Reference values for tests/lua/test_semi_supervised.lua from scikit-learn, NumPy and SciPy.

    python3 tests/golden/semi_supervised_reference.py > tests/golden/semi_supervised_reference.lua

Label propagation is scikit-learn's LabelSpreading on a kernel matrix that NumPy builds by loops from the definition, iterated
to convergence: its fixed point is (1 - alpha) (I - alpha S)^-1 Y with rows scaled to sum 1.
Made with scikit-learn 1.9.1, SciPy 1.17.1, NumPy 2.4.6.
"""
import numpy as np
import scipy.stats
from sklearn.neural_network import MLPClassifier
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC

import lua_table

rng = np.random.default_rng(11)
n, C = 60, 3
centre = np.array([[1.5, 0.2, 0.0, 0.4], [0.1, 1.4, 0.3, -0.2], [-0.3, 0.1, 1.3, 0.6]])
truth = np.arange(n) % C
z = np.round(centre[truth] + 0.7 * rng.normal(size=(n, 4)), 3)
labels = np.where(np.arange(n) < 12, truth, -1)
labels[[1, 4]] = -1                                      # class 2 has fewer labels than the others
out = {"z": z, "truth": truth + 1, "labels": labels + 1}


def similarities(k, power, symmetry):
    v = z / np.linalg.norm(z, axis=1, keepdims=True)
    A = np.zeros((n, n))
    for i in range(n):
        s = v @ v[i]
        s[i] = -np.inf
        for j in np.argsort(-s, kind="stable")[:k]:
            A[i, j] = max(v[i] @ v[j], 0) ** power
    return np.maximum(A, A.T) if symmetry == "max" else A + A.T


def normalised(S):
    d = S.sum(1)
    d[d == 0] = 1
    return S / np.sqrt(np.outer(d, d))


Y = np.zeros((n, C))
Y[np.flatnonzero(labels >= 0), labels[labels >= 0]] = 1
S = similarities(5, 3, "sum")
out["W_sum"] = normalised(S)
F = np.linalg.solve(np.eye(n) - 0.99 * out["W_sum"], Y)
out["F"] = F
out["W_max"] = normalised(similarities(5, 1, "max"))

spread = LabelSpreading(kernel=lambda a, b: S, alpha=0.9, tol=1e-15, max_iter=100000).fit(z, labels)
out["spread"] = spread.label_distributions_
out["transduction"] = spread.transduction_ + 1

P = np.maximum(F, 0)
P = P / P.sum(1, keepdims=True)
P[labels >= 0] = Y[labels >= 0]
out["weight"] = 1 - scipy.stats.entropy(P.T) / np.log(C)
count = np.bincount(P.argmax(1), minlength=C)
out["class_weight"] = n / (C * count)

free = labels < 0
Q = P[free]
prior = np.array([0.2, 0.5, 0.3])
for _ in range(100):
    f = np.bincount(Q.argmax(1), minlength=C) / len(Q)
    Q = Q * np.clip(prior / (f + 1e-7), 0.99, 1.01)
    Q = Q / Q.sum(1, keepdims=True)
out["aligned"] = Q

# The probes of digest-like tasks: ten classes, the defaults of SVC(), and a network of one hidden layer after 50 epochs.
m, d = 400, 8
middle = rng.normal(size=(10, d)) * 1.1
probe_y = np.arange(2 * m) % 10
probe_x = np.round(middle[probe_y] + rng.normal(size=(2 * m, d)), 2)
out["probe_x"], out["probe_y"] = probe_x, probe_y + 1
svc = SVC().fit(probe_x[:m], probe_y[:m])
out["svc_prediction"] = svc.predict(probe_x[m:]) + 1
out["svc_accuracy"] = svc.score(probe_x[m:], probe_y[m:])
s = (probe_x - probe_x[:m].mean(0)) / probe_x[:m].std(0)
score = [MLPClassifier((64,), alpha=0, batch_size=50, max_iter=50, n_iter_no_change=1000, random_state=r)
         .fit(s[:m], probe_y[:m]).score(s[m:], probe_y[m:]) for r in range(10)]
out["mlp_mean"], out["mlp_sd"] = np.mean(score), np.std(score, ddof=1)

lua_table.write(out)
