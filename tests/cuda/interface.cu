// interface.cu: what cuda/driver.h and cuda/vendor.h say of NVIDIA's libraries, beside NVIDIA's own headers: every function's
// arguments, passed in the same way, and every number.  It compiles or it does not.
#include <cublas_v2.h>
#include <cuda.h>
#include <curand.h>

#include <type_traits>

#include "cuda/driver.h"
#include "cuda/vendor.h"

// How an argument is passed: a number by its kind and size, a pointer by what it points to; handles are pointers to what
// nobody sees.
template <class A, class B> constexpr bool alike()
{
  if constexpr (std::is_pointer_v<A> && std::is_pointer_v<B>) {
    using a = std::remove_cv_t<std::remove_pointer_t<A>>;
    using b = std::remove_cv_t<std::remove_pointer_t<B>>;
    if constexpr (std::is_void_v<a> || std::is_void_v<b>) return true;
    else if constexpr (std::is_class_v<a> || std::is_class_v<b>) return std::is_class_v<a> && std::is_class_v<b>;
    else return std::is_const_v<std::remove_pointer_t<A>> == std::is_const_v<std::remove_pointer_t<B>> && alike<a, b>();
  } else {
    return !std::is_pointer_v<A> && !std::is_pointer_v<B> && sizeof(A) == sizeof(B)
        && std::is_floating_point_v<A> == std::is_floating_point_v<B>;
  }
}

template <class...> struct list {};
template <class... A, class... B> constexpr bool all_alike(list<A...>, list<B...>)
{
  if constexpr (sizeof...(A) == sizeof...(B)) return (alike<A, B>() && ...);
  else return false;
}
template <class R, class S, class... A, class... B> constexpr bool same(R (*)(A...), S (*)(B...))
{
  return sizeof(R) == sizeof(S) && all_alike(list<A...>{}, list<B...>{});
}

// The one of two that the library has; the other is C++'s.
constexpr cublasStatus_t (*gemm_ex)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void *, const void *,
                                    cudaDataType, int, long long, const void *, cudaDataType, int, long long, const void *, void *,
                                    cudaDataType, int, long long, int, cublasComputeType_t, cublasGemmAlgo_t) = cublasGemmStridedBatchedEx;
namespace blas_functions { constexpr auto cublasGemmStridedBatchedEx = gemm_ex; }

#define OURS(field, symbol, arguments) int field arguments;
#define SAME(field, symbol, arguments) static_assert(same(ours::field, symbol), #symbol);
namespace driver_functions { namespace ours { CU_FUNCTIONS(OURS) } CU_FUNCTIONS(SAME) }
namespace blas_functions   { namespace ours { BLAS_FUNCTIONS(OURS) } BLAS_FUNCTIONS(SAME) }
namespace rand_functions   { namespace ours { RAND_FUNCTIONS(OURS) } RAND_FUNCTIONS(SAME) }

#define NUMBER(ours, theirs) static_assert((int)ours == (int)theirs, #theirs);
NUMBER(CU_STREAM_ALONE, CU_STREAM_NON_BLOCKING)
NUMBER(CU_EVENT_NO_TIMING, CU_EVENT_DISABLE_TIMING)
NUMBER(CU_ATTRIBUTE_PROCESSORS, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)
NUMBER(CU_ATTRIBUTE_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
NUMBER(CU_ATTRIBUTE_MINOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
NUMBER(CU_ATTRIBUTE_SHARED_OPTIN, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)
NUMBER(CU_FUNCTION_DYNAMIC_SHARED, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
NUMBER(CU_CAPTURE_RELAXED, CU_STREAM_CAPTURE_MODE_RELAXED)
NUMBER(PLAIN_MATH, CUBLAS_DEFAULT_MATH)
NUMBER(TF32_MATH, CUBLAS_TF32_TENSOR_OP_MATH)
NUMBER(REAL_32, CUDA_R_32F)
NUMBER(BF16_SUMS, CUBLAS_COMPUTE_32F_FAST_16BF)
NUMBER(ANY_WAY, CUBLAS_GEMM_DEFAULT)
NUMBER(0, CUBLAS_OP_N)
NUMBER(1, CUBLAS_OP_T)
NUMBER(PHILOX4_32_10, CURAND_RNG_PSEUDO_PHILOX4_32_10)
NUMBER(LASTING_ORDER, CURAND_ORDERING_PSEUDO_LEGACY)
