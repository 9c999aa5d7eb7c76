// Two compilations of one model in one program: through the typed entry, and through the descriptor with a thread pool
// and the C++ wrapper. Their results agree, and do not depend on the number of threads.
#include "digits.h"
#include "parallel_digits.h"

#include "nnc/Model.hpp"
#include "nnc/Pool.h"

#include <cmath>
#include <cstdio>
#include <vector>

static std::vector<float> runInParallel(const std::vector<float> &image, unsigned threads) {
  nnc_pool *pool = nnc_pool_create(threads);
  std::vector<float> result(PARALLEL_DIGITS_PROBABILITIES_NUMEL);
  nnc::Model model(parallel_digits_model);
  model.run({nnc::view(image)}, {nnc::view(result)}, nnc_pool_parallel(pool));
  nnc_pool_destroy(pool);
  return result;
}

int main() {
  std::vector<float> image(DIGITS_IMAGE_NUMEL), expected(DIGITS_PROBABILITIES_NUMEL);
  for (size_t i = 0; i < image.size(); ++i)
    image[i] = static_cast<float>(i * 37 % 17) / 16;
  alignas(DIGITS_WORKSPACE_ALIGN) static unsigned char workspace[DIGITS_WORKSPACE_SIZE];
  if (digits_run(image.data(), expected.data(), workspace) != NNC_OK)
    return std::puts("digits_run failed"), 1;
  std::vector<float> one = runInParallel(image, 1);
  for (size_t i = 0; i < expected.size(); ++i)
    if (!(std::fabs(one[i] - expected[i]) < 1e-6f))
      return std::printf("probability %zu: %g and %g\n", i, one[i], expected[i]), 1;
  for (unsigned threads = 2; threads <= 4; ++threads)
    if (runInParallel(image, threads) != one)
      return std::printf("%u threads give another result than one\n", threads), 1;
  std::puts("consumer: ok");
  return 0;
}
