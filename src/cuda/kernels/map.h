/* map.h: how pointwise kernels reach their operands. */

/* The address of element i of each of the first `ops` operands. */
DEVICE void find(char **at, const cu_map *p, int ops, uint32_t i)
{
  UNROLLED for (int k = 0; k < ops; k++) at[k] = p->data[k];
  ROLLED for (int d = p->n - 1; d > 0; d--) {
    uint32_t q = i / p->shape[d], r = i - q * p->shape[d];
    UNROLLED for (int k = 0; k < ops; k++) at[k] += (int64_t)r * p->stride[k][d];
    i = q;
  }
  UNROLLED for (int k = 0; k < ops; k++) at[k] += (int64_t)i * p->stride[k][0];
}

/* Four floats at a time. */
typedef struct four { float v[4]; } ALIGNED16 four;

DEVICE four fetch_four(const cu_map *p, int k, uint32_t i)
{
  if (!p->repeated[k]) return *(const four *)(const void *)(p->data[k] + 4 * (int64_t)i);
  float v = *(const float *)(const void *)p->data[k];
  four  u = { { v, v, v, v } };
  return u;
}

#define AT(type, k) (*(type *)(void *)at[k])
