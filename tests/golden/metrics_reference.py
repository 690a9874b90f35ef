"""Reference values for tests/lua/test_metrics.lua from scikit-learn, SciPy and NumPy.

    python3 tests/golden/metrics_reference.py > tests/golden/metrics_reference.lua

Where no library has the measure, it is written out here in NumPy by loops, from the definition in the paper.
Made with scikit-learn 1.9.1, SciPy 1.17.1, NumPy 2.4.6.
"""
import numpy as np
import scipy.linalg
import scipy.stats
from scipy.spatial.distance import cdist
from scipy.optimize import linear_sum_assignment
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

import lua_table

rng = np.random.default_rng(5)
centre = np.array([[0, 0, 0, 0], [1.6, 0.5, -0.4, 0.3], [0.3, -1.5, 0.9, 0.0]])


def blobs(n):
    y = np.arange(n) % 3
    x = np.round(centre[y] + 0.8 * rng.normal(size=(n, 4)), 3)
    return x, y + 1


x, y = blobs(90)
test_x, test_y = blobs(60)
clusters = rng.integers(1, 5, size=90)
clusters[:50] = y[:50] + 1
out = {"x": x, "y": y, "test_x": test_x, "test_y": test_y, "clusters": clusters}

# clustering
out["nmi"] = metrics.normalized_mutual_info_score(y, clusters)
out["ari"] = metrics.adjusted_rand_score(y, clusters)
table = metrics.cluster.contingency_matrix(clusters, y)
rows, columns = linear_sum_assignment(-table)
out["acc"] = table[rows, columns].sum() / 90
out["silhouette"] = metrics.silhouette_score(x, y)
out["silhouettes"] = metrics.silhouette_samples(x, y)

# classification
scores = np.round(rng.normal(size=(60, 3)) + 1.5 * np.eye(3)[test_y - 1], 3)
out["scores"] = scores
out["accuracy"] = metrics.accuracy_score(test_y, scores.argmax(1) + 1)
out["top2"] = metrics.top_k_accuracy_score(test_y - 1, scores, k=2)
out["confusion"] = metrics.confusion_matrix(test_y, scores.argmax(1) + 1)
for k in (1, 4, 5):
    out[f"knn{k}"] = KNeighborsClassifier(k).fit(x, y).predict(test_x)
knn = KNeighborsClassifier(4, metric="cosine", algorithm="brute").fit(x, y)
out["knn_cosine"] = knn.predict(test_x)

logistic = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=10000).fit(x, y)
out["logistic_weight"], out["logistic_bias"] = logistic.coef_, logistic.intercept_ - logistic.intercept_.mean()
out["logistic_probability"] = logistic.predict_proba(test_x)
out["logistic_accuracy"] = logistic.score(test_x, test_y)

svc = SVC(C=1.0, gamma="scale", tol=1e-9, decision_function_shape="ovo").fit(x, y)
out["svm_decision"] = svc.decision_function(test_x)
out["svm_prediction"] = svc.predict(test_x)
out["svm_support"] = len(svc.support_)

# generated against real
fake = np.round(1.1 * test_x + 0.3, 3)
real = x
out["fake"] = fake
m1, m2, s1, s2 = real.mean(0), fake.mean(0), np.cov(real.T), np.cov(fake.T)
out["frechet"] = ((m1 - m2) ** 2).sum() + np.trace(s1 + s2 - 2 * np.real(scipy.linalg.sqrtm(s1 @ s2)))
p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
out["inception_score"] = np.exp(np.mean([scipy.stats.entropy(row, p.mean(0)) for row in p]))


def radius(a, k):
    return np.sort(cdist(a, a), 1)[:, k]


d = cdist(real, fake)
out["precision"] = np.mean([(d[:, j] <= radius(real, 3)).any() for j in range(len(fake))])
out["recall"] = np.mean([(d[i] <= radius(fake, 3)).any() for i in range(len(real))])
out["density"] = (d <= radius(real, 5)[:, None]).sum() / (5 * len(fake))
out["coverage"] = np.mean(d.min(1) <= radius(real, 5))


def mmd(k):
    n, m = len(real), len(fake)
    xx = sum(k(a, b) for i, a in enumerate(real) for j, b in enumerate(real) if i != j) / (n * (n - 1))
    yy = sum(k(a, b) for i, a in enumerate(fake) for j, b in enumerate(fake) if i != j) / (m * (m - 1))
    return xx + yy - 2 * sum(k(a, b) for a in real for b in fake) / (n * m)


out["mmd_rbf"] = mmd(lambda a, b: np.exp(-0.5 * ((a - b) ** 2).sum()))
out["kid"] = mmd(lambda a, b: (a @ b / 4 + 1) ** 3)
both = np.concatenate([real, fake])
dd = cdist(both, both)
np.fill_diagonal(dd, np.inf)
is_real = dd.argmin(1) < len(real)
out["one_nn"] = np.mean(is_real == (np.arange(len(both)) < len(real)))
out["wasserstein1"] = scipy.stats.wasserstein_distance(real[:, 0], fake[:, 0])
grid = (np.arange(180) + 0.5) / 180                      # 180 = lcm(90, 60): both quantile functions are constant on each cell
q = [np.sort(a[:, 0])[np.floor(grid * len(a)).astype(int)] for a in (real, fake)]
out["wasserstein2"] = np.sqrt(np.mean((q[0] - q[1]) ** 2))

# point clouds and geometry
a, b = real[:40, :3], fake[:40, :3]
d = cdist(a, b)
out["chamfer"] = (d.min(1) ** 2).mean() + (d.min(0) ** 2).mean()
out["earth_mover"] = d[linear_sum_assignment(d)].mean()
means = np.array([x[y == c].mean(0) for c in (1, 2, 3)])
out["s_inner"] = np.mean([((x[y == c] - means[c - 1]) ** 2).sum(1).mean() for c in (1, 2, 3)])
out["s_inter"] = np.mean([((means[i] - means[j]) ** 2).sum() for i in range(3) for j in range(3) if i != j])


def cosine(u, v):
    return (u @ v.T) / np.outer(np.linalg.norm(u, axis=1), np.linalg.norm(v, axis=1))


def recall(similarity, relevant, k):
    best = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return np.mean([relevant[i, best[i]].any() for i in range(len(best))])


noisy = np.round(x + 0.5 * rng.normal(size=x.shape), 3)
out["noisy"] = noisy
out["recall_pairs"] = [recall(cosine(x, noisy), np.eye(90, dtype=bool), k) for k in (1, 5, 10)]
out["recall_labels"] = recall(cosine(test_x, x), test_y[:, None] == y[None], 1)
own = cosine(x, x)
np.fill_diagonal(own, -np.inf)
out["recall_own"] = recall(own, y[:, None] == y[None], 1)

lua_table.write(out)
